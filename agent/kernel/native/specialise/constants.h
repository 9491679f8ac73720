#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "frames.h"
#include "instruction.h"

namespace guardbee {

/// Memory that a program reads and nobody writes: a frozen map of one value.
struct Constants {
  int map_fd;
  std::span<const uint8_t> bytes;
};

/// A program that is looked through. `insns` are understood.
struct Subject {
  Instructions insns;
  const Constants& constants;
  const Frames& frames;
};

/// What a register or a slot has, as far as it is the same whenever the program comes to one instruction.
struct Value {
  enum Kind : uint8_t { kUnknown, kNumber, kPlace /* in Constants */ };
  Kind kind = kUnknown;
  uint64_t number = 0;
  bool operator==(const Value&) const = default;
};

constexpr int kFirstSlot = MAX_BPF_REG;
/// The registers, then the slots of the function.
using Values = std::array<Value, kFirstSlot + Frames::kSlots>;

/// What each instruction finds; none: the program never comes to it.
using Found = std::vector<std::optional<Values>>;

/**
 * Of functions it is known what all of their calls give them. What a helper calls back begins with nothing
 * known.
 */
Found FindConstants(const Subject& subject);

/// Whether a conditional jump is made, where that is the same each time.
std::optional<bool> IsMade(const bpf_insn& insn, const Values& before);

/// The number that an instruction sets its register to, where it is the same each time.
std::optional<uint64_t> NumberSet(const Subject& subject, size_t at, const Values& before);

/// The number of the register that is the second operand.
std::optional<uint64_t> SecondOperand(const bpf_insn& insn, const Values& before);

}  // namespace guardbee
