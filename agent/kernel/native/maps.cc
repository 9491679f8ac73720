#include "maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <unordered_set>
#include <vector>

#include "error.h"
#include "fd.h"

namespace guardbee {
namespace {

constexpr int kEnotsupp = 524;

/// A map argument and what the kernel says of it: the kernel copies keys and values of these sizes
/// from and to our buffers, whatever size those have.
class Map {
 public:
  Map(const Napi::CallbackInfo& info, const char* op) : env_(info.Env()), op_(op) {
    fd_ = info[0].As<Napi::Number>().Int32Value();
    uint32_t size = sizeof(info_);
    const bool known = bpf_obj_get_info_by_fd(fd_, &info_, &size) == 0;
    if (!known) guardbee::Throw(env_, {errno, op, "fd " + std::to_string(fd_)});
  }

  int Fd() const { return fd_; }
  const bpf_map_info& Info() const { return info_; }
  size_t KeyBytes() const { return info_.key_size; }

  /// Per-CPU maps: one value for each possible CPU, each padded to 8 bytes.
  size_t ValueBytes() const {
    switch (info_.type) {
      case BPF_MAP_TYPE_PERCPU_ARRAY:
      case BPF_MAP_TYPE_PERCPU_HASH:
      case BPF_MAP_TYPE_LRU_PERCPU_HASH:
        return (size_t{info_.value_size} + 7) / 8 * 8 * libbpf_num_possible_cpus();
      default:
        return info_.value_size;
    }
  }

  /// The argument's bytes, of which there must be as many as the map wants.
  uint8_t* Bytes(Napi::Value argument, const char* what, size_t want) const {
    auto array = argument.As<Napi::Uint8Array>();
    if (array.ByteLength() != want) {
      Throw(EINVAL, std::string{what} + " has " + std::to_string(array.ByteLength()) +
                        " bytes, the map wants " + std::to_string(want));
    }
    return array.Data();
  }

  [[noreturn]] void Throw(int error, std::string detail = {}) const {
    guardbee::Throw(env_, {error, op_, info_.name, std::move(detail)});
  }

 private:
  Napi::Env env_;
  const char* op_;
  int fd_;
  bpf_map_info info_{};
};

}  // namespace

Napi::Value MapInfo(const Napi::CallbackInfo& info) {
  const Map map{info, "map info"};
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("id", map.Info().id);
  result.Set("name", map.Info().name);
  result.Set("keySize", map.Info().key_size);
  result.Set("valueSize", map.Info().value_size);
  result.Set("maxEntries", map.Info().max_entries);
  return result;
}

void PinMap(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  const std::string path = info[1].As<Napi::String>();
  if (bpf_obj_pin(fd, path.c_str()) < 0) Throw(info.Env(), {errno, "pin map", path});
}

Napi::Value OpenPinnedMap(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  Fd fd{bpf_obj_get(path.c_str())};
  if (!fd) Throw(info.Env(), {errno, "open map", path});
  if (!IsBpf(fd.Get(), "map")) Throw(info.Env(), {EINVAL, "open map", path, "is not a map"});
  return Napi::Number::New(info.Env(), fd.Release());
}

Napi::Value Lookup(const Napi::CallbackInfo& info) {
  const Map map{info, "lookup"};
  const uint8_t* key = map.Bytes(info[1], "key", map.KeyBytes());
  uint8_t* value = map.Bytes(info[2], "value", map.ValueBytes());
  const bool found = bpf_map_lookup_elem(map.Fd(), key, value) == 0;
  if (!found && errno != ENOENT) map.Throw(errno);
  return Napi::Boolean::New(info.Env(), found);
}

void Update(const Napi::CallbackInfo& info) {
  const Map map{info, "update"};
  const uint8_t* key = map.Bytes(info[1], "key", map.KeyBytes());
  const uint8_t* value = map.Bytes(info[2], "value", map.ValueBytes());
  const uint32_t flags = info[3].IsNumber() ? info[3].As<Napi::Number>().Uint32Value() : 0;
  if (bpf_map_update_elem(map.Fd(), key, value, flags) < 0) map.Throw(errno);
}

void UpdateBatch(const Napi::CallbackInfo& info) {
  const Map map{info, "update batch"};
  const uint32_t count = info[3].As<Napi::Number>().Uint32Value();
  const uint8_t* keys = map.Bytes(info[1], "keys", map.KeyBytes() * count);
  const uint8_t* values = map.Bytes(info[2], "values", map.ValueBytes() * count);
  if (count == 0) return;
  uint32_t updated = count;
  if (bpf_map_update_batch(map.Fd(), keys, values, &updated, nullptr) == 0) return;
  // The kernel has no batches for this type of map, or none at all.
  if (errno != kEnotsupp && errno != EOPNOTSUPP && errno != EINVAL) map.Throw(errno);
  for (uint32_t i = 0; i < count; i++) {
    if (bpf_map_update_elem(map.Fd(), keys + i * map.KeyBytes(), values + i * map.ValueBytes(),
                            BPF_ANY) < 0) {
      map.Throw(errno, "entry " + std::to_string(i) + " of " + std::to_string(count));
    }
  }
}

Napi::Value Remove(const Napi::CallbackInfo& info) {
  const Map map{info, "remove"};
  const uint8_t* key = map.Bytes(info[1], "key", map.KeyBytes());
  const bool removed = bpf_map_delete_elem(map.Fd(), key) == 0;
  if (!removed && errno != ENOENT) map.Throw(errno);
  return Napi::Boolean::New(info.Env(), removed);
}

Napi::Value Keys(const Napi::CallbackInfo& info) {
  const Map map{info, "keys"};
  std::vector<uint8_t> key(map.KeyBytes());
  std::vector<uint8_t> keys;
  // When the key that we stand on is removed meanwhile, the kernel starts over from the first:
  // each key counts once, and a map that changes faster than it is read comes to an end.
  std::unordered_set<std::string> seen;
  const uint64_t steps = 2 * uint64_t{map.Info().max_entries};
  const uint8_t* previous = nullptr;
  for (uint64_t step = 0; step < steps; step++) {
    if (bpf_map_get_next_key(map.Fd(), previous, key.data()) < 0) {
      if (errno != ENOENT) map.Throw(errno);
      break;
    }
    if (seen.emplace(key.begin(), key.end()).second) {
      keys.insert(keys.end(), key.begin(), key.end());
    }
    previous = key.data();
  }
  return Napi::Buffer<uint8_t>::Copy(info.Env(), keys.data(), keys.size());
}

void Freeze(const Napi::CallbackInfo& info) {
  const Map map{info, "freeze"};
  if (bpf_map_freeze(map.Fd()) < 0) map.Throw(errno);
}

Napi::Value PossibleCpus(const Napi::CallbackInfo& info) {
  const int count = libbpf_num_possible_cpus();
  if (count < 0) Throw(info.Env(), {-count, "count", "possible CPUs"});
  return Napi::Number::New(info.Env(), count);
}

}  // namespace guardbee
