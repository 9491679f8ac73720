#include "uprobe.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "error.h"
#include "fd.h"
#include "link.h"
#include "probe.h"

// Of perf events not libbpf's attach: see kprobe.cc.

namespace guardbee {
namespace {

constexpr char kUnit[] = "uprobe";

/// union bpf_attr of BPF_LINK_CREATE with uprobe_multi.
struct UprobeMultiLink {
  uint32_t program;
  uint32_t target;
  uint32_t attach_type;
  uint32_t flags;
  uint64_t path;
  uint64_t offsets;
  uint64_t ref_ctr_offsets;
  uint64_t cookies;
  uint32_t count;
  uint32_t multi_flags;
  uint32_t pid;
  uint32_t zero;
};

/// Where in a file.
struct Target {
  std::string path;
  std::vector<uint64_t> offsets;
  std::vector<uint64_t> ref_ctr_offsets;
  std::vector<uint64_t> cookies;
};

/// A link of the kernel's own. Empty with errno set where it refuses.
Fd AttachMulti(int program, const Target& target) {
  UprobeMultiLink link{};
  link.program = static_cast<uint32_t>(program);
  link.attach_type = kUprobeMulti;
  link.path = reinterpret_cast<uint64_t>(target.path.c_str());
  link.offsets = reinterpret_cast<uint64_t>(target.offsets.data());
  link.ref_ctr_offsets = reinterpret_cast<uint64_t>(target.ref_ctr_offsets.data());
  link.cookies = reinterpret_cast<uint64_t>(target.cookies.data());
  link.count = static_cast<uint32_t>(target.offsets.size());
  return Fd{static_cast<int>(syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link)))};
}

Fd OpenEvent(const Target& target) {
  const auto type = ReadUnit(kUnit, "type", "");
  if (!type) {
    errno = EOPNOTSUPP;  // a kernel without uprobes
    return Fd{};
  }
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = *type;
  attributes.config = target.ref_ctr_offsets.front() << 32;  // format/ref_ctr_offset
  attributes.uprobe_path = reinterpret_cast<uint64_t>(target.path.c_str());
  attributes.probe_offset = target.offsets.front();
  // Any process, CPU 0: a probe's program runs on every CPU all the same.
  return Fd{static_cast<int>(
      syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC))};
}

Fd AttachEvent(int program, const Target& target) {
  if (target.offsets.size() != 1) {
    errno = EOPNOTSUPP;
    return Fd{};
  }
  const Fd event = OpenEvent(target);
  if (!event) return Fd{};
  LIBBPF_OPTS(bpf_link_create_opts, options);
  options.perf_event.bpf_cookie = target.cookies.front();
  Fd link{bpf_link_create(program, event.Get(), BPF_PERF_EVENT, &options)};
  if (link && ioctl(event.Get(), PERF_EVENT_IOC_ENABLE, 0) < 0) return Fd{};
  return link;
}

/// 0 when there is none.
uint64_t NumberIn(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  return value.IsNumber() ? static_cast<uint64_t>(value.As<Napi::Number>().Int64Value()) : 0;
}

/// A folder, in which there is nothing to attach to.
const Target kNoFile{"/", {1}, {0}, {0}};

}  // namespace

bool HasUprobeMulti() {
  static const bool has = [] {
    const Fd program = LoadEmptyProbe(kUprobeMulti);
    return program && !AttachMulti(program.Get(), kNoFile) && errno == EBADF;
  }();
  return has;
}

Napi::Value TakesManyUprobes(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), HasUprobeMulti());
}

Napi::Value UprobeRefusal(const Napi::CallbackInfo& info) {
  if (HasUprobeMulti()) return info.Env().Null();
  const int answer = OpenEvent(kNoFile) ? 0 : errno;
  if (answer == EINVAL) return info.Env().Null();
  return Napi::String::New(info.Env(), CodeOf(answer));
}

Napi::Value UprobeOverrideRefusal(const Napi::CallbackInfo& info) {
  const Fd program = LoadWritingProbe(HasUprobeMulti() ? kUprobeMulti : 0);
  if (program) return info.Env().Null();
  return Napi::String::New(info.Env(), CodeOf(errno));
}

Napi::Value AttachUprobe(const Napi::CallbackInfo& info) {
  constexpr char op[] = "attach uprobe";
  const std::string pin = info[0].As<Napi::String>();
  const auto given = info[1].As<Napi::Object>();
  Target target{given.Get("path").As<Napi::String>(), {}, {}, {}};
  const auto places = given.Get("places").As<Napi::Array>();
  for (uint32_t i = 0; i < places.Length(); i++) {
    const auto place = places.Get(i).As<Napi::Object>();
    target.offsets.push_back(NumberIn(place, "offset"));
    target.ref_ctr_offsets.push_back(NumberIn(place, "refCtrOffset"));
    target.cookies.push_back(NumberIn(place, "cookie"));
  }
  const Fd program{bpf_obj_get(pin.c_str())};
  if (!program) Throw(info.Env(), {errno, op, pin});
  Fd link = HasUprobeMulti() ? AttachMulti(program.Get(), target)
                             : AttachEvent(program.Get(), target);
  if (!link) Throw(info.Env(), {errno, op, target.path});
  return Link::Adopt(info.Env(), std::move(link), {});
}

// Links in `path` lead to what they name below `root`. Opened before it is looked at it would be begun
// with: a pipe waits for its writer, and a device may do anything.
Napi::Value OpenInRoot(const Napi::CallbackInfo& info) {
  constexpr char op[] = "open";
  const std::string root = info[0].As<Napi::String>();
  const std::string path = info[1].As<Napi::String>();
  const Fd folder{open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!folder) Throw(info.Env(), {errno, op, root});
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const Fd found{static_cast<int>(
      syscall(SYS_openat2, folder.Get(), path.c_str(), &how, sizeof(how)))};
  if (!found) Throw(info.Env(), {errno, op, path});
  struct stat about{};
  if (fstat(found.Get(), &about) < 0) Throw(info.Env(), {errno, op, path});
  if (!S_ISREG(about.st_mode)) Throw(info.Env(), {EINVAL, op, path, "is no regular file"});
  const std::string again = "/proc/self/fd/" + std::to_string(found.Get());
  Fd file{open(again.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file) Throw(info.Env(), {errno, op, path});
  return Napi::Number::New(info.Env(), file.Release());
}

}  // namespace guardbee
