#pragma once
#include <bpf/libbpf.h>

namespace guardbee {

/**
 * While it lives, what this thread has the kernel load of an object is without what the object's
 * constants rule out: see specialise/specialise.h.
 */
class SpecialiseLoads {
 public:
  explicit SpecialiseLoads(const bpf_object* object);
  ~SpecialiseLoads();
  SpecialiseLoads(const SpecialiseLoads&) = delete;
  SpecialiseLoads& operator=(const SpecialiseLoads&) = delete;
};

}  // namespace guardbee
