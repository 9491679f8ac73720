#include "link.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "constructors.h"
#include "error.h"

namespace guardbee {
namespace {

/// What Adopt hands to the constructor, which only takes JS values.
struct Adopted {
  Fd fd;
  std::string path;
};

/// struct bpf_link_info of a kprobe, as Linux 6.7 fills it and older ones in part.
struct KprobeLinkInfo {
  uint32_t type;
  uint32_t id;
  uint32_t prog_id;
  uint32_t zero;
  union {
    struct {
      uint32_t type;
      uint32_t zero;
      uint64_t func_name;
      uint32_t name_len;
      uint32_t offset;
      uint64_t addr;
      uint64_t missed;
    } event;
    struct {
      uint64_t addrs;
      uint32_t count;
      uint32_t flags;
      uint64_t missed;
    } multi;
  };
};
static_assert(offsetof(KprobeLinkInfo, event) == 16 && offsetof(KprobeLinkInfo, event.missed) == 48 &&
              offsetof(KprobeLinkInfo, multi.missed) == 32);

constexpr uint32_t kPerfEventLink = 7;                     // BPF_LINK_TYPE_PERF_EVENT
constexpr uint32_t kKprobeMultiLink = 8;                   // BPF_LINK_TYPE_KPROBE_MULTI
constexpr uint32_t kKprobeEvent = 3, kKretprobeEvent = 4;  // BPF_PERF_EVENT_KPROBE, _KRETPROBE

uint64_t MissedBy(const KprobeLinkInfo& link) {
  if (link.type == kKprobeMultiLink) return link.multi.missed;
  const bool counts = link.type == kPerfEventLink &&
                      (link.event.type == kKprobeEvent || link.event.type == kKretprobeEvent);
  return counts ? link.event.missed : 0;
}

}  // namespace

Napi::Function Link::Define(Napi::Env env) {
  return DefineClass(env, "Link",
                     {InstanceAccessor<&Link::Id>("id", napi_enumerable),
                      InstanceMethod<&Link::Misses>("misses"),
                      InstanceMethod<&Link::Pin>("pin"), InstanceMethod<&Link::Detach>("detach"),
                      InstanceMethod<&Link::Close>("close")});
}

Napi::Value Link::Adopt(Napi::Env env, Fd fd, std::string path) {
  Adopted adopted{std::move(fd), std::move(path)};
  return env.GetInstanceData<Constructors>()->link.New(
      {Napi::External<Adopted>::New(env, &adopted)});
}

Napi::Value Link::OpenPinned(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  Fd fd{bpf_obj_get(path.c_str())};
  if (!fd) Throw(info.Env(), {errno, "open link", path});
  if (!IsBpf(fd.Get(), "link")) Throw(info.Env(), {EINVAL, "open link", path, "is not a link"});
  return Adopt(info.Env(), std::move(fd), path);
}

Link::Link(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Link>(info) {
  if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "links come from attach");
  Adopted* adopted = info[0].As<Napi::External<Adopted>>().Data();
  fd_ = std::move(adopted->fd);
  path_ = std::move(adopted->path);
  bpf_link_info link{};
  uint32_t size = sizeof(link);
  if (bpf_obj_get_info_by_fd(fd_.Get(), &link, &size) < 0) {
    Throw(info.Env(), {errno, "read info", path_.empty() ? "link" : path_});
  }
  id_ = link.id;
}

Napi::Value Link::Id(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), id_);
}

// misses(program: string): { program: number, link: number }. A program has to be pinned: to open it
// by its id takes CAP_SYS_ADMIN.
Napi::Value Link::Misses(const Napi::CallbackInfo& info) {
  constexpr char op[] = "read misses";
  const std::string path = info[0].As<Napi::String>();
  KprobeLinkInfo link{};
  uint32_t size = sizeof(link);
  if (bpf_obj_get_info_by_fd(fd_.Get(), &link, &size) < 0) Throw(info.Env(), {errno, op, path});
  const Fd fd{bpf_obj_get(path.c_str())};
  if (!fd) Throw(info.Env(), {errno, op, path});
  bpf_prog_info program{};
  size = sizeof(program);
  if (!IsBpf(fd.Get(), "prog") || bpf_obj_get_info_by_fd(fd.Get(), &program, &size) < 0 ||
      program.id != link.prog_id) {
    Throw(info.Env(), {EINVAL, op, path, "is not the link's program"});
  }
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("program", static_cast<double>(program.recursion_misses));
  result.Set("link", static_cast<double>(MissedBy(link)));
  return result;
}

void Link::Pin(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  if (!path_.empty() && path_ != path) {
    Throw(info.Env(), {EBUSY, "pin link", path, "is already at " + path_});
  }
  if (path_ == path && unlink(path.c_str()) < 0 && errno != ENOENT) {
    Throw(info.Env(), {errno, "pin link", path});
  }
  if (bpf_obj_pin(fd_.Get(), path.c_str()) < 0) Throw(info.Env(), {errno, "pin link", path});
  path_ = path;
}

void Link::Detach(const Napi::CallbackInfo& info) {
  if (!path_.empty() && unlink(path_.c_str()) < 0 && errno != ENOENT) {
    Throw(info.Env(), {errno, "unpin link", path_});
  }
  path_.clear();
  fd_.Reset();
}

void Link::Close(const Napi::CallbackInfo&) { fd_.Reset(); }

}  // namespace guardbee
