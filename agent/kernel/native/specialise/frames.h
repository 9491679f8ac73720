#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "instruction.h"

namespace guardbee {

/**
 * The places on the stack where the compiler keeps a register: 8 bytes that are only written and read by
 * their place in the frame. They are below all that a function has a pointer to, for a pointer leads to
 * what is at it and behind it.
 */
class Frames {
 public:
  static constexpr int kSlots = 16;  // of one function that are looked at

  explicit Frames(Instructions insns);

  /// Which slot of its function an instruction writes or reads, or a part of it.
  std::optional<int> SlotOf(Instructions insns, size_t at) const;

 private:
  struct Frame {
    int end = 0;  // the lowest place that there is a pointer to
    std::vector<int> slots;
  };

  void Note(Instructions insns, size_t at);

  std::vector<uint16_t> frame_of_;  // by instruction
  std::vector<Frame> frames_;
};

/// Whether an instruction writes or reads all 8 bytes.
bool IsWhole(const bpf_insn& insn);

}  // namespace guardbee
