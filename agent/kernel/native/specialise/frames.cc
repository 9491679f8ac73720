#include "frames.h"

#include <algorithm>

namespace guardbee {
namespace {

constexpr int kLowest = -512;  // MAX_BPF_STACK of the kernel's linux/filter.h

bool IsStore(const bpf_insn& insn) {
  return BPF_CLASS(insn.code) == BPF_ST || BPF_CLASS(insn.code) == BPF_STX;
}

/// Reads or writes at a place in the frame.
bool IsInFrame(const bpf_insn& insn) {
  return (IsLoad(insn) && insn.src_reg == BPF_REG_10) ||
         (IsStore(insn) && insn.dst_reg == BPF_REG_10);
}

/// Takes the frame's address.
bool TakesFrame(const bpf_insn& insn) {
  if (IsLoad(insn) || IsWide(insn) || IsCall(insn)) return false;
  if (IsStore(insn)) return BPF_CLASS(insn.code) == BPF_STX && insn.src_reg == BPF_REG_10;
  return (BPF_SRC(insn.code) == BPF_X && insn.src_reg == BPF_REG_10) ||
         (IsJump(insn) && insn.dst_reg == BPF_REG_10);
}

/// The place in the frame that a pointer made at `at` leads to, the lowest one where that is not seen.
int PlaceOf(Instructions insns, size_t at) {
  const bpf_insn& insn = insns[at];
  if (insn.code != (BPF_ALU64 | BPF_MOV | BPF_X) || insn.off != 0 || at + 1 >= insns.size()) {
    return kLowest;
  }
  const bpf_insn& next = insns[at + 1];
  const bool is_place = next.code == (BPF_ALU64 | BPF_ADD | BPF_K) && next.dst_reg == insn.dst_reg;
  return is_place ? next.imm : kLowest;
}

}  // namespace

bool IsWhole(const bpf_insn& insn) {
  return BPF_SIZE(insn.code) == BPF_DW && !IsAtomic(insn) && insn.off % 8 == 0;
}

Frames::Frames(Instructions insns) : frame_of_(insns.size()) {
  std::vector<bool> begins(insns.size());
  begins[0] = true;
  for (size_t at = 0; at < insns.size(); at += Width(insns[at])) {
    if (NamesFunction(insns[at])) begins[TargetOf(insns, at)] = true;
  }
  for (size_t at = 0; at < insns.size(); at += Width(insns[at])) {
    if (begins[at]) frames_.emplace_back();
    frame_of_[at] = static_cast<uint16_t>(frames_.size() - 1);
    int& end = frames_.back().end;
    if (TakesFrame(insns[at])) end = std::min(end, PlaceOf(insns, at));
  }
  for (size_t at = 0; at < insns.size(); at += Width(insns[at])) Note(insns, at);
}

void Frames::Note(Instructions insns, size_t at) {
  const bpf_insn& insn = insns[at];
  Frame& frame = frames_[frame_of_[at]];
  if (!IsInFrame(insn) || !IsWhole(insn) || insn.off + 8 > frame.end) return;
  if (frame.slots.size() < kSlots && !std::ranges::count(frame.slots, insn.off)) {
    frame.slots.push_back(insn.off);
  }
}

std::optional<int> Frames::SlotOf(Instructions insns, size_t at) const {
  const bpf_insn& insn = insns[at];
  if (!IsInFrame(insn)) return {};
  const std::vector<int>& slots = frames_[frame_of_[at]].slots;
  const int place = insn.off & ~7;
  const auto found = std::ranges::find(slots, place);
  if (found == slots.end()) return {};
  return static_cast<int>(found - slots.begin());
}

}  // namespace guardbee
