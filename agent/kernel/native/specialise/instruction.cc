#include "instruction.h"

#include <vector>

namespace guardbee {
namespace {

bool IsUnderstoodAtomic(const bpf_insn& insn) {
  switch (insn.imm & ~BPF_FETCH) {
    case BPF_ADD:
    case BPF_OR:
    case BPF_AND:
    case BPF_XOR:
    case BPF_XCHG & ~BPF_FETCH:
    case BPF_CMPXCHG & ~BPF_FETCH:
      return true;
    default:
      return false;
  }
}

bool IsUnderstoodJump(const bpf_insn& insn) {
  switch (BPF_OP(insn.code)) {
    case BPF_JA:
    case BPF_CALL:
    case BPF_EXIT:
      return BPF_CLASS(insn.code) == BPF_JMP && BPF_SRC(insn.code) == BPF_K;
    case BPF_JEQ:
    case BPF_JNE:
    case BPF_JGT:
    case BPF_JGE:
    case BPF_JLT:
    case BPF_JLE:
    case BPF_JSGT:
    case BPF_JSGE:
    case BPF_JSLT:
    case BPF_JSLE:
    case BPF_JSET:
      return true;
    default:
      return false;
  }
}

bool IsUnderstood(const bpf_insn& insn) {
  if (insn.dst_reg >= MAX_BPF_REG) return false;
  switch (BPF_CLASS(insn.code)) {
    case BPF_LD:
      return IsWide(insn);
    case BPF_LDX:
      return insn.src_reg < MAX_BPF_REG && BPF_MODE(insn.code) == BPF_MEM;
    case BPF_ST:
      return BPF_MODE(insn.code) == BPF_MEM;
    case BPF_STX:
      return insn.src_reg < MAX_BPF_REG &&
             (BPF_MODE(insn.code) == BPF_MEM || (IsAtomic(insn) && IsUnderstoodAtomic(insn)));
    case BPF_JMP:
    case BPF_JMP32:
      return insn.src_reg < MAX_BPF_REG && IsUnderstoodJump(insn);
    default:
      return insn.src_reg < MAX_BPF_REG;
  }
}

}  // namespace

bool AreUnderstood(Instructions insns) {
  std::vector<bool> begins(insns.size());
  for (size_t at = 0; at < insns.size(); at += Width(insns[at])) {
    const bpf_insn& insn = insns[at];
    if (!IsUnderstood(insn)) return false;
    const bool goes_on = !IsExit(insn) && !IsAlways(insn);
    if (at + Width(insn) + goes_on > insns.size()) return false;
    begins[at] = true;
  }
  for (size_t at = 0; at < insns.size(); at += Width(insns[at])) {
    if (!Leads(insns[at])) continue;
    const size_t target = TargetOf(insns, at);
    if (target >= insns.size() || !begins[target]) return false;
  }
  return true;
}

}  // namespace guardbee
