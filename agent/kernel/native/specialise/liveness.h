#pragma once
#include <vector>

#include "frames.h"
#include "instruction.h"

namespace guardbee {

/// Which of the instructions that a program comes to only set a register or slot that nobody reads then.
std::vector<bool> FindIdle(Instructions insns, const Frames& frames,
                           const std::vector<bool>& reached);

}  // namespace guardbee
