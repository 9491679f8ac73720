#include "specialise.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "liveness.h"

namespace guardbee {
namespace {

/// The number as the 32 bits of an instruction, where those are read as it.
std::optional<__s32> Immediate(uint64_t value, bool is_64) {
  const auto low = static_cast<__s32>(static_cast<uint32_t>(value));
  const bool is_same = static_cast<uint64_t>(static_cast<int64_t>(low)) == value;
  if (is_64 && !is_same) return {};
  return low;
}

/// Sets the register to a number that is the same each time, where an instruction has room for it.
void ReplaceSet(bpf_insn& insn, uint64_t value) {
  const bool is_64 = value > std::numeric_limits<uint32_t>::max();
  const auto immediate = Immediate(value, is_64);
  if (!immediate || insn.code == (BPF_ALU64 | BPF_MOV | BPF_K)) return;
  bpf_insn move{};
  move.code = (is_64 ? BPF_ALU64 : BPF_ALU) | BPF_MOV | BPF_K;
  move.dst_reg = insn.dst_reg;
  move.imm = *immediate;
  insn = move;
}

/// Whether the verifier takes the operation with that number in the instruction.
bool TakesNumber(const bpf_insn& insn, __s32 number) {
  if (IsJump(insn)) return true;
  const __s32 bits = Is64(insn) ? 64 : 32;
  switch (BPF_OP(insn.code)) {
    case BPF_ADD:
    case BPF_SUB:
    case BPF_MUL:
    case BPF_AND:
    case BPF_OR:
    case BPF_XOR:
      return true;
    case BPF_LSH:
    case BPF_RSH:
    case BPF_ARSH:
      return number >= 0 && number < bits;
    default:
      return false;
  }
}

/// Writes the second operand, of which the number is known, into the instruction.
void ReplaceOperand(bpf_insn& insn, uint64_t value) {
  const auto immediate = Immediate(value, Is64(insn));
  if (!immediate || !TakesNumber(insn, *immediate)) return;
  insn.code = static_cast<__u8>(insn.code & ~BPF_X);
  insn.src_reg = 0;
  insn.imm = *immediate;
}

/// Leaves its register as it is.
bool ChangesNothing(const bpf_insn& insn) {
  if (BPF_CLASS(insn.code) != BPF_ALU64 || BPF_SRC(insn.code) != BPF_K || insn.imm != 0) return false;
  switch (BPF_OP(insn.code)) {
    case BPF_ADD:
    case BPF_SUB:
    case BPF_OR:
    case BPF_XOR:
    case BPF_LSH:
    case BPF_RSH:
    case BPF_ARSH:
      return true;
    default:
      return false;
  }
}

/// Says of a jump that is decided where it leads: to what comes next where it is never made.
void ReplaceJump(bpf_insn& insn, bool is_made) {
  bpf_insn jump{};
  jump.code = BPF_JMP | BPF_JA;
  jump.off = is_made ? insn.off : static_cast<__s16>(0);
  insn = jump;
}

class Specialiser {
 public:
  Specialiser(Instructions insns, const Constants& constants)
      : insns_(insns.begin(), insns.end()),
        frames_(insns),
        reached_(insns.size()),
        stays_(insns.size()) {
    Fold({insns, constants, frames_});
    DropIdle();
    DropJumpsToNext();
    places_.resize(insns_.size() + 1);
    for (size_t at = 0; at < insns_.size(); at += Width(insns_[at])) {
      const size_t width = Width(insns_[at]);
      places_[at + width] = places_[at] + static_cast<__u32>(stays_[at] ? width : 0);
    }
  }

  Specialised Build(const Places& before) const {
    Specialised result;
    for (size_t at = 0; at < insns_.size(); at += Width(insns_[at])) {
      if (!stays_[at]) continue;
      result.insns.push_back(Moved(at));
      if (IsWide(insns_[at])) result.insns.push_back(insns_[at + 1]);
    }
    for (bpf_func_info function : before.functions) {
      if (!reached_[function.insn_off]) continue;
      function.insn_off = places_[function.insn_off];
      result.functions.push_back(function);
    }
    for (bpf_line_info line : before.lines) {
      line.insn_off = places_[line.insn_off];
      if (line.insn_off >= result.insns.size()) break;
      // The lines before it have no instruction left.
      if (!result.lines.empty() && result.lines.back().insn_off == line.insn_off) {
        result.lines.pop_back();
      }
      result.lines.push_back(line);
    }
    return result;
  }

 private:
  void Fold(const Subject& subject) {
    const Found found = FindConstants(subject);
    for (size_t at = 0; at < insns_.size(); at++) {
      if (!found[at]) continue;
      reached_[at] = true;
      bpf_insn& insn = insns_[at];
      if (IsConditional(insn)) {
        if (const auto made = IsMade(insn, *found[at])) ReplaceJump(insn, *made);
      } else if (IsArithmetic(insn) || IsLoad(insn)) {
        if (const auto value = NumberSet(subject, at, *found[at])) ReplaceSet(insn, *value);
      }
      if (IsConditional(insn) || IsArithmetic(insn)) {
        if (const auto value = SecondOperand(insn, *found[at])) ReplaceOperand(insn, *value);
      }
    }
  }

  void DropIdle() {
    const std::vector<bool> idle = FindIdle(insns_, frames_, reached_);
    for (size_t at = 0; at < insns_.size(); at++) {
      stays_[at] = reached_[at] && !idle[at] && !ChangesNothing(insns_[at]);
    }
  }

  void DropJumpsToNext() {
    size_t next = insns_.size();  // that stays, behind `at`
    std::vector<size_t> next_from(insns_.size() + 1, next);
    for (size_t at = insns_.size(); at-- > 0;) {
      if (stays_[at] && IsAlways(insns_[at]) && next_from[TargetOf(insns_, at)] == next &&
          TargetOf(insns_, at) > at) {
        stays_[at] = false;
      }
      if (stays_[at]) next = at;
      next_from[at] = next;
    }
  }

  /// As it is in the new program, where what it leads to has another place.
  bpf_insn Moved(size_t at) const {
    bpf_insn insn = insns_[at];
    if (!Leads(insn)) return insn;
    const auto target = static_cast<__s32>(places_[TargetOf(insns_, at)]);
    const __s32 distance = target - static_cast<__s32>(places_[at]) - 1;
    if (NamesFunction(insn)) {
      insn.imm = distance;
    } else {
      insn.off = static_cast<__s16>(distance);
    }
    return insn;
  }

  std::vector<bpf_insn> insns_;
  const Frames frames_;
  std::vector<bool> reached_;
  std::vector<bool> stays_;
  std::vector<__u32> places_;  // where each is in the new program, or what stays behind it
};

}  // namespace

std::optional<Specialised> Specialise(Instructions insns, const Constants& constants,
                                      const Places& places) {
  if (insns.empty() || !AreUnderstood(insns)) return {};
  const auto is_inside = [&](const auto& place) { return place.insn_off < insns.size(); };
  if (!std::ranges::all_of(places.functions, is_inside)) return {};
  if (!std::ranges::all_of(places.lines, is_inside)) return {};
  return Specialiser{insns, constants}.Build(places);
}

}  // namespace guardbee
