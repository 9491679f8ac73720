#pragma once
#include <linux/bpf.h>

#include <cstddef>
#include <span>

// What BPF instructions do (RFC 9669), as far as specialise.h has to know.
namespace guardbee {

using Instructions = std::span<const bpf_insn>;

inline bool IsWide(const bpf_insn& insn) { return insn.code == (BPF_LD | BPF_IMM | BPF_DW); }

inline bool IsJump(const bpf_insn& insn) {
  return BPF_CLASS(insn.code) == BPF_JMP || BPF_CLASS(insn.code) == BPF_JMP32;
}

inline bool IsExit(const bpf_insn& insn) { return insn.code == (BPF_JMP | BPF_EXIT); }

inline bool IsAlways(const bpf_insn& insn) { return insn.code == (BPF_JMP | BPF_JA); }

inline bool IsCall(const bpf_insn& insn) { return insn.code == (BPF_JMP | BPF_CALL); }

/// A jump that is made or not.
inline bool IsConditional(const bpf_insn& insn) {
  return IsJump(insn) && !IsExit(insn) && !IsAlways(insn) && !IsCall(insn);
}

inline bool IsArithmetic(const bpf_insn& insn) {
  return BPF_CLASS(insn.code) == BPF_ALU || BPF_CLASS(insn.code) == BPF_ALU64;
}

inline bool IsLoad(const bpf_insn& insn) { return BPF_CLASS(insn.code) == BPF_LDX; }

/// Sets its register, and does nothing else.
inline bool OnlySetsRegister(const bpf_insn& insn) {
  return IsWide(insn) || IsArithmetic(insn) || IsLoad(insn);
}

/// Works with all of its registers, not with their lower 32 bits.
inline bool Is64(const bpf_insn& insn) {
  return BPF_CLASS(insn.code) == BPF_ALU64 || BPF_CLASS(insn.code) == BPF_JMP;
}

inline bool IsAtomic(const bpf_insn& insn) {
  return BPF_CLASS(insn.code) == BPF_STX && BPF_MODE(insn.code) == BPF_ATOMIC;
}

/// Names the first instruction of a function of the program: of one that is called, or passed to a helper.
inline bool NamesFunction(const bpf_insn& insn) {
  return (IsCall(insn) && insn.src_reg == BPF_PSEUDO_CALL) ||
         (IsWide(insn) && insn.src_reg == BPF_PSEUDO_FUNC);
}

/// Leads somewhere else than to what comes next, or names it.
inline bool Leads(const bpf_insn& insn) {
  return NamesFunction(insn) || IsAlways(insn) || IsConditional(insn);
}

inline size_t Width(const bpf_insn& insn) { return IsWide(insn) ? 2 : 1; }

/// Where the jump at `at` leads, or which function an instruction there names.
inline size_t TargetOf(Instructions insns, size_t at) {
  const bpf_insn& insn = insns[at];
  const ptrdiff_t distance = NamesFunction(insn) ? insn.imm : insn.off;
  return at + 1 + static_cast<size_t>(distance);
}

/// Whether all instructions are ones that are understood here, and lead to others.
bool AreUnderstood(Instructions insns);

}  // namespace guardbee
