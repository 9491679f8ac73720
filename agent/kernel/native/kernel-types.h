#pragma once
#include <bpf/btf.h>

#include <string>

namespace guardbee {

/// The running kernel's types, read once; null when it has none.
const btf* KernelTypes();

/// A file with those of the kernel's types that the BPF object at `path` knows by name, made once
/// for each path: libbpf looks for each of an object's types among all that it is given. Empty where
/// it cannot be made; then that is the kernel's own.
std::string KernelTypesFor(const std::string& path);

}  // namespace guardbee
