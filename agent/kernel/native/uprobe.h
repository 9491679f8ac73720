#pragma once
#include <napi.h>

namespace guardbee {

/// Whether the kernel has uprobes without a perf event (BPF_TRACE_UPROBE_MULTI, Linux 6.6), which libbpf
/// 1.1 does not know. A program is loaded for the one or the other.
bool HasUprobeMulti();
constexpr int kUprobeMulti = 48;  // BPF_TRACE_UPROBE_MULTI

// attachUprobe(program: string, target: {
//   path: string, places: { offset: number, refCtrOffset?: number, cookie?: number }[] }): Link
Napi::Value AttachUprobe(const Napi::CallbackInfo& info);
// takesManyUprobes(): boolean
Napi::Value TakesManyUprobes(const Napi::CallbackInfo& info);
// uprobeRefusal(): string | null
Napi::Value UprobeRefusal(const Napi::CallbackInfo& info);
// uprobeOverrideRefusal(): string | null
Napi::Value UprobeOverrideRefusal(const Napi::CallbackInfo& info);
// openInRoot(root: string, path: string): number
Napi::Value OpenInRoot(const Napi::CallbackInfo& info);

}  // namespace guardbee
