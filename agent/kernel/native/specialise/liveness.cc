#include "liveness.h"

#include <cstdint>

namespace guardbee {
namespace {

/// Registers and, from bit MAX_BPF_REG on, slots of the function: a bit each.
using Bits = uint32_t;

constexpr Bits Bit(int number) { return Bits{1} << number; }

/// BPF_REG_1 to BPF_REG_5: how many of them a function takes is not looked up.
constexpr Bits kArguments = 0b111110;
constexpr Bits kLostByCalls = kArguments | Bit(BPF_REG_0);

Bits SlotBit(Instructions insns, size_t at, const Frames& frames) {
  const auto slot = frames.SlotOf(insns, at);
  return slot ? Bit(MAX_BPF_REG + *slot) : 0;
}

Bits SetBy(Instructions insns, size_t at, const Frames& frames) {
  const bpf_insn& insn = insns[at];
  if (IsCall(insn)) return kLostByCalls;
  if (OnlySetsRegister(insn)) return Bit(insn.dst_reg);
  return IsWhole(insn) ? SlotBit(insns, at, frames) : 0;
}

Bits ReadBy(Instructions insns, size_t at, const Frames& frames) {
  const bpf_insn& insn = insns[at];
  if (IsCall(insn)) return kArguments;
  if (IsExit(insn)) return Bit(BPF_REG_0);
  if (IsWide(insn) || IsAlways(insn)) return 0;
  if (IsLoad(insn)) return Bit(insn.src_reg) | SlotBit(insns, at, frames);
  const Bits both = Bit(insn.dst_reg) | Bit(insn.src_reg);  // src_reg is 0 where it is not read
  return IsAtomic(insn) ? both | Bit(BPF_REG_0) | SlotBit(insns, at, frames) : both;
}

bool IsIdle(Instructions insns, size_t at, const Frames& frames, Bits read_later) {
  const bpf_insn& insn = insns[at];
  if (IsJump(insn) || NamesFunction(insn)) return false;
  const Bits set = SetBy(insns, at, frames);
  return set != 0 && !(set & read_later);
}

}  // namespace

std::vector<bool> FindIdle(Instructions insns, const Frames& frames,
                           const std::vector<bool>& reached) {
  std::vector<bool> idle(insns.size());
  std::vector<Bits> read(insns.size());  // there or behind it, of what it has then
  bool is_new = true;
  while (is_new) {
    is_new = false;
    for (size_t at = insns.size(); at-- > 0;) {
      if (!reached[at]) continue;
      const bpf_insn& insn = insns[at];
      Bits later = 0;
      if (IsAlways(insn) || IsConditional(insn)) later |= read[TargetOf(insns, at)];
      if (!IsAlways(insn) && !IsExit(insn)) later |= read[at + Width(insn)];
      idle[at] = IsIdle(insns, at, frames, later);
      Bits now = later;
      if (!idle[at]) now = (later & ~SetBy(insns, at, frames)) | ReadBy(insns, at, frames);
      is_new |= now != read[at];
      read[at] = now;
    }
  }
  return idle;
}

}  // namespace guardbee
