#include <bpf/bpf.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "error.h"
#include "fd.h"
#include "maps.h"

namespace guardbee {
namespace {

constexpr char kOp[] = "look up many";

/// Looks keys up on a thread of the pool: the kernel answers some look-ups only after an RCU grace
/// period.
class LookupWorker : public Napi::AsyncWorker {
 public:
  LookupWorker(Napi::Env env, Fd fd, const bpf_map_info& map, std::vector<uint8_t> keys)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        fd_(std::move(fd)),
        name_(map.name),
        key_size_(map.key_size),
        value_size_(map.value_size),
        keys_(std::move(keys)),
        found_(keys_.size() / key_size_),
        values_(found_.size() * value_size_) {}

  Napi::Promise Promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    for (size_t i = 0; i < found_.size(); i++) {
      const uint8_t* key = keys_.data() + i * key_size_;
      found_[i] = bpf_map_lookup_elem(fd_.Get(), key, values_.data() + i * value_size_) == 0;
      if (!found_[i] && errno != ENOENT) {
        error_ = errno;
        return;
      }
    }
  }

  void OnOK() override {
    const Napi::Env env = Env();
    if (error_ != 0) {
      deferred_.Reject(ErrorOf(env, {error_, kOp, name_}).Value());
      return;
    }
    Napi::Object result = Napi::Object::New(env);
    result.Set("found", Napi::Buffer<uint8_t>::Copy(env, found_.data(), found_.size()));
    result.Set("values", Napi::Buffer<uint8_t>::Copy(env, values_.data(), values_.size()));
    deferred_.Resolve(result);
  }

 private:
  Napi::Promise::Deferred deferred_;
  Fd fd_;
  std::string name_;
  size_t key_size_;
  size_t value_size_;
  std::vector<uint8_t> keys_;
  std::vector<uint8_t> found_;
  std::vector<uint8_t> values_;
  int error_ = 0;
};

}  // namespace

Napi::Value LookupMany(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  const std::string subject = "fd " + std::to_string(fd);
  bpf_map_info map{};
  uint32_t size = sizeof(map);
  if (bpf_obj_get_info_by_fd(fd, &map, &size) < 0) Throw(info.Env(), {errno, kOp, subject});
  // Of a map that has a value for each processor the kernel would write more than there is room for.
  const bool per_cpu = map.type == BPF_MAP_TYPE_PERCPU_ARRAY ||
                       map.type == BPF_MAP_TYPE_PERCPU_HASH ||
                       map.type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
  const auto keys = info[1].As<Napi::Uint8Array>();
  if (per_cpu || keys.ByteLength() % map.key_size != 0) {
    Throw(info.Env(), {EINVAL, kOp, map.name, per_cpu ? "is per CPU" : "keys have a part of one"});
  }
  Fd own = Duplicate(fd);  // the caller may close its own meanwhile
  if (!own) Throw(info.Env(), {errno, kOp, subject});
  std::vector<uint8_t> copy{keys.Data(), keys.Data() + keys.ByteLength()};
  auto* worker = new LookupWorker{info.Env(), std::move(own), map, std::move(copy)};
  const Napi::Promise promise = worker->Promise();
  worker->Queue();  // deletes itself
  return promise;
}

}  // namespace guardbee
