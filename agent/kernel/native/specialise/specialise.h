#pragma once
#include <linux/bpf.h>

#include <optional>
#include <vector>

#include "constants.h"

namespace guardbee {

/// A program as the kernel is to load it, and what says where its functions and lines are.
struct Specialised {
  std::vector<bpf_insn> insns;
  std::vector<bpf_func_info> functions;
  std::vector<bpf_line_info> lines;
};

/// The functions and lines of a program, in the order of their instructions.
struct Places {
  std::span<const bpf_func_info> functions;
  std::span<const bpf_line_info> lines;
};

/**
 * The same program without what its constants rule out: instructions that it never comes to, jumps that
 * are made each time or never, and what was worked out for those alone. Does what the verifier of the
 * kernel does, too, but that moves the rest of the program once for each gap, and leaves the loads in.
 *
 * None: it has an instruction that is not understood here, and is to be loaded as it is.
 */
std::optional<Specialised> Specialise(Instructions insns, const Constants& constants,
                                      const Places& places);

}  // namespace guardbee
