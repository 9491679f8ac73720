#pragma once
#include <bpf/bpf.h>
#include <napi.h>

#include <cstdint>
#include <optional>
#include <string>

#include "fd.h"

namespace guardbee {

/// The number in a file of a perf event's unit ("kprobe", "uprobe"), after `prefix`.
std::optional<uint32_t> ReadUnit(const std::string& unit, const std::string& file,
                                 const std::string& prefix);

/// The smallest kprobe program, which is one of uprobes as well. Empty with errno set where the kernel
/// refuses.
Fd LoadEmptyProbe(int expected_attach_type);
/// The smallest that writes a register, which kernels take of uprobes alone, and from Linux 6.18 on.
Fd LoadWritingProbe(int expected_attach_type);

// trampolineRefusal(type: "fentry" | "fmod_ret", functionName: string): string | null
Napi::Value TrampolineRefusal(const Napi::CallbackInfo& info);

}  // namespace guardbee
