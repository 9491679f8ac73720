#include "load-program.h"

#include <bpf/bpf.h>

#include "specialise/specialise.h"

namespace {

thread_local const bpf_object* loading = nullptr;

/// The constants of the object that this thread loads; they are frozen before programs are loaded.
guardbee::Constants ConstantsOf(const bpf_object* object) {
  const bpf_map* map = bpf_object__find_map_by_name(object, ".rodata");
  if (map == nullptr) return {-1, {}};
  size_t size = 0;
  const void* bytes = bpf_map__initial_value(const_cast<bpf_map*>(map), &size);
  if (bytes == nullptr) return {-1, {}};
  return {bpf_map__fd(map), {static_cast<const uint8_t*>(bytes), size}};
}

template <typename T>
std::span<const T> InfoOf(const void* records, __u32 count) {
  return {static_cast<const T*>(records), count};
}

}  // namespace

extern "C" {

int __real_bpf_prog_load(bpf_prog_type type, const char* name, const char* license,
                         const bpf_insn* insns, size_t count, bpf_prog_load_opts* options);

// libbpf calls it for each program of an object (the Makefile's --wrap): nowhere else are all instructions
// as the kernel sees them, maps and types of the kernel filled in.
int __wrap_bpf_prog_load(bpf_prog_type type, const char* name, const char* license,
                         const bpf_insn* insns, size_t count, bpf_prog_load_opts* options) {
  const auto as_it_is = [&] {
    return __real_bpf_prog_load(type, name, license, insns, count, options);
  };
  if (loading == nullptr || options == nullptr) return as_it_is();
  const guardbee::Constants constants = ConstantsOf(loading);
  if (constants.map_fd < 0) return as_it_is();
  const bool has_functions = options->func_info_cnt > 0, has_lines = options->line_info_cnt > 0;
  if ((has_functions && options->func_info_rec_size != sizeof(bpf_func_info)) ||
      (has_lines && options->line_info_rec_size != sizeof(bpf_line_info))) {
    return as_it_is();
  }
  const auto specialised = guardbee::Specialise(
      {insns, count}, constants,
      {InfoOf<bpf_func_info>(options->func_info, options->func_info_cnt),
       InfoOf<bpf_line_info>(options->line_info, options->line_info_cnt)});
  if (!specialised) return as_it_is();
  bpf_prog_load_opts own = *options;
  own.func_info = specialised->functions.data();
  own.func_info_cnt = static_cast<__u32>(specialised->functions.size());
  own.line_info = specialised->lines.data();
  own.line_info_cnt = static_cast<__u32>(specialised->lines.size());
  return __real_bpf_prog_load(type, name, license, specialised->insns.data(),
                              specialised->insns.size(), &own);
}
}

namespace guardbee {

int LoadSpecialised(bpf_object* object) {
  loading = object;
  const int error = bpf_object__load(object);
  loading = nullptr;
  return error;
}

}  // namespace guardbee
