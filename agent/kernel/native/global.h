#pragma once
#include <bpf/libbpf.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace guardbee {

/// The initial bytes of a global variable, in whichever data section it is; empty when there is
/// none of that name.
std::span<uint8_t> FindGlobal(const bpf_object* object, std::string_view name);

}  // namespace guardbee
