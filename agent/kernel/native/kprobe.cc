#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "error.h"
#include "link.h"
#include "probe.h"

// Of perf events not libbpf's attach: its link switches the perf event off when it is destroyed, also
// where a pin should keep it, and never lets go of the event's descriptor. The kernel's link holds the
// event, so here the link's descriptor is all that is kept.

namespace guardbee {
namespace {

/// A link of the kernel's own (Linux 5.18, CONFIG_FPROBE). Empty with errno set where it refuses.
Fd AttachMulti(int program, const char* function, bool at_return) {
  LIBBPF_OPTS(bpf_link_create_opts, options);
  options.kprobe_multi.syms = &function;
  options.kprobe_multi.cnt = 1;
  options.kprobe_multi.flags = at_return ? BPF_F_KPROBE_MULTI_RETURN : 0;
  return Fd{bpf_link_create(program, 0, BPF_TRACE_KPROBE_MULTI, &options)};
}

Fd AttachEvent(int program, const std::string& function, bool at_return) {
  const auto type = ReadUnit("kprobe", "type", "");
  const auto return_bit = ReadUnit("kprobe", "format/retprobe", "config:");
  if (!type || !return_bit) {
    errno = EOPNOTSUPP;  // a kernel without kprobes
    return Fd{};
  }
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = *type;
  attributes.config = at_return ? 1ull << *return_bit : 0;
  attributes.kprobe_func = reinterpret_cast<uint64_t>(function.c_str());
  // Any process, CPU 0: a probe's program runs on every CPU all the same.
  const Fd event{static_cast<int>(
      syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC))};
  if (!event) return Fd{};
  Fd link{bpf_link_create(program, event.Get(), BPF_PERF_EVENT, nullptr)};
  if (link && ioctl(event.Get(), PERF_EVENT_IOC_ENABLE, 0) < 0) return Fd{};
  return link;
}

/// The errno with which the kernel answers a kprobe on a function that is not there.
int AnswerOf(bpf_attach_type type) {
  constexpr char none[] = "guardbee_no_such_function";
  const Fd program = LoadEmptyProbe(type);
  if (!program) return errno;
  const bool multi = type == BPF_TRACE_KPROBE_MULTI;
  return (multi ? AttachMulti(program.Get(), none, false) : AttachEvent(program.Get(), none, false))
             ? 0
             : errno;
}

}  // namespace

bool HasKprobeMulti() {
  static const bool has = [] {
    const int answer = AnswerOf(BPF_TRACE_KPROBE_MULTI);
    return answer == ESRCH || answer == ENOENT || answer == EINVAL;
  }();
  return has;
}

Napi::Value KprobeRefusal(const Napi::CallbackInfo& info) {
  if (HasKprobeMulti()) return info.Env().Null();
  const int answer = AnswerOf(bpf_attach_type{});
  if (answer == ENOENT) return info.Env().Null();
  return Napi::String::New(info.Env(), CodeOf(answer));
}

Fd AttachKprobe(int program, bool multi, const std::string& function, bool at_return) {
  return multi ? AttachMulti(program, function.c_str(), at_return)
               : AttachEvent(program, function, at_return);
}

}  // namespace guardbee
