#include "link.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <cerrno>
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

}  // namespace

Napi::Function Link::Define(Napi::Env env) {
  return DefineClass(env, "Link",
                     {InstanceAccessor<&Link::Id>("id", napi_enumerable),
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

void Link::Pin(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  if (!path_.empty()) Throw(info.Env(), {EBUSY, "pin link", path, "is already at " + path_});
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
