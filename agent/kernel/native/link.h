#pragma once
#include <napi.h>

#include <string>

#include "fd.h"

namespace guardbee {

/// One attached program, held by its link's descriptor and, once pinned, by the pin.
class Link : public Napi::ObjectWrap<Link> {
 public:
  static Napi::Function Define(Napi::Env env);
  /// Takes over a link's descriptor; `path` is where it is pinned, or empty.
  static Napi::Value Adopt(Napi::Env env, Fd fd, std::string path);
  // openPinnedLink(path: string): Link
  static Napi::Value OpenPinned(const Napi::CallbackInfo& info);

  explicit Link(const Napi::CallbackInfo& info);

 private:
  Napi::Value Id(const Napi::CallbackInfo& info);
  Napi::Value Misses(const Napi::CallbackInfo& info);
  void Pin(const Napi::CallbackInfo& info);
  void Detach(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  Fd fd_;
  std::string path_;  // where it is pinned; empty: nowhere
  uint32_t id_ = 0;
};

/// Whether the kernel has kprobes without a perf event (BPF_TRACE_KPROBE_MULTI). A program is loaded
/// for the one or the other.
bool HasKprobeMulti();

/// Attaches a loaded kprobe program to the entry of `function`, or to its return; `multi`: it was
/// loaded for that. Empty with errno set where the kernel refuses. Otherwise it needs links of perf
/// events (Linux 5.15).
Fd AttachKprobe(int program, bool multi, const std::string& function, bool at_return);

// kprobeRefusal(): string | null
Napi::Value KprobeRefusal(const Napi::CallbackInfo& info);

/// Attaches a loaded tracepoint program to the event with that number. Empty with errno set where the
/// kernel refuses.
Fd AttachTracepoint(int program, uint32_t id);

// perfEventRefusal(): string | null
Napi::Value PerfEventRefusal(const Napi::CallbackInfo& info);

}  // namespace guardbee
