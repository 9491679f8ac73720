#pragma once
#include <cstdint>
#include <vector>

#include "frames.h"
#include "instruction.h"

namespace guardbee {

/// Registers and, from bit MAX_BPF_REG on, slots of the function: a bit each.
using Bits = uint32_t;

/// For each instruction that a program comes to, what is read behind it of what it has then.
std::vector<Bits> FindReadLater(Instructions insns, const Frames& frames,
                                const std::vector<bool>& reached);

/// Whether an instruction does nothing but set a register or slot that nobody reads behind it.
bool IsIdle(Instructions insns, size_t at, const Frames& frames, Bits read_later);

}  // namespace guardbee
