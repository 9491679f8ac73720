#include <bpf/bpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "error.h"
#include "link.h"

// Not libbpf's attach, for the reason that kprobe.cc gives.

namespace guardbee {
namespace {

/// The event of any process, on CPU 0: its programs run on every CPU all the same, and without it being
/// switched on.
Fd OpenEvent(uint32_t id) {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.config = id;
  attributes.disabled = 1;
  return Fd{static_cast<int>(
      syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC))};
}

}  // namespace

Fd AttachTracepoint(int program, uint32_t id) {
  const Fd event = OpenEvent(id);
  if (!event) return Fd{};
  return Fd{bpf_link_create(program, event.Get(), BPF_PERF_EVENT, nullptr)};
}

Napi::Value PerfEventRefusal(const Napi::CallbackInfo& info) {
  constexpr uint32_t none = 0;  // the kernel counts from 1, behind some that are no tracepoints
  if (OpenEvent(none) || errno == EINVAL || errno == ENOENT) return info.Env().Null();
  return Napi::String::New(info.Env(), CodeOf(errno));
}

}  // namespace guardbee
