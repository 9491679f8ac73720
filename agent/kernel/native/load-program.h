#pragma once
#include <bpf/libbpf.h>

namespace guardbee {

/// bpf_object__load, of programs without what the object's constants rule out: specialise/specialise.h.
int LoadSpecialised(bpf_object* object);

}  // namespace guardbee
