#include "constants.h"

#include <cstring>
#include <utility>

namespace guardbee {
namespace {

uint64_t Extended(int32_t value) { return static_cast<uint64_t>(static_cast<int64_t>(value)); }

Value Operand(const bpf_insn& insn, const Values& values) {
  if (BPF_SRC(insn.code) == BPF_K) return {Value::kNumber, Extended(insn.imm)};
  return values[insn.src_reg];
}

/// The result of an operation on two numbers, if it is one that is worked out here.
std::optional<uint64_t> Computed(const bpf_insn& insn, uint64_t left, uint64_t right) {
  const bool is_64 = Is64(insn);
  const uint64_t shift = right & (is_64 ? 63 : 31);
  if (!is_64) left = static_cast<uint32_t>(left);
  switch (BPF_OP(insn.code)) {
    case BPF_MOV:
      return right;
    case BPF_ADD:
      return left + right;
    case BPF_SUB:
      return left - right;
    case BPF_MUL:
      return left * right;
    case BPF_AND:
      return left & right;
    case BPF_OR:
      return left | right;
    case BPF_XOR:
      return left ^ right;
    case BPF_LSH:
      return left << shift;
    case BPF_RSH:
      return left >> shift;
    default:
      return {};
  }
}

Value Calculated(const bpf_insn& insn, const Values& values) {
  const Value left = values[insn.dst_reg], right = Operand(insn, values);
  const int operation = BPF_OP(insn.code);
  if (insn.off != 0) return {};  // signed moves and divisions of newer compilers
  if (operation == BPF_MOV && Is64(insn)) return right;
  if (right.kind != Value::kNumber) return {};
  if (left.kind == Value::kPlace && operation == BPF_ADD && Is64(insn)) {
    return {Value::kPlace, left.number + right.number};
  }
  if (left.kind != Value::kNumber && operation != BPF_MOV) return {};
  const auto result = Computed(insn, left.number, right.number);
  if (!result) return {};
  return {Value::kNumber, Is64(insn) ? *result : static_cast<uint32_t>(*result)};
}

Value Immediate(const Subject& subject, size_t at) {
  const bpf_insn& insn = subject.insns[at];
  const uint32_t low = static_cast<uint32_t>(insn.imm);
  const uint32_t high = static_cast<uint32_t>(subject.insns[at + 1].imm);
  if (insn.src_reg == 0) return {Value::kNumber, static_cast<uint64_t>(high) << 32 | low};
  if (insn.src_reg == BPF_PSEUDO_MAP_VALUE && insn.imm == subject.constants.map_fd) {
    return {Value::kPlace, high};
  }
  return {};
}

template <typename T>
Value Read(const Constants& constants, uint64_t offset) {
  const size_t size = constants.bytes.size();
  if (offset > size || sizeof(T) > size - offset) return {};
  T value;
  std::memcpy(&value, constants.bytes.data() + offset, sizeof(value));
  return {Value::kNumber, value};
}

Value Loaded(const Subject& subject, size_t at, const Values& values) {
  const bpf_insn& insn = subject.insns[at];
  if (const auto slot = subject.frames.SlotOf(subject.insns, at)) {
    return IsWhole(insn) ? values[kFirstSlot + *slot] : Value{};
  }
  const Value from = values[insn.src_reg];
  if (from.kind != Value::kPlace) return {};
  const uint64_t offset = from.number + Extended(insn.off);
  switch (BPF_SIZE(insn.code)) {
    case BPF_B:
      return Read<uint8_t>(subject.constants, offset);
    case BPF_H:
      return Read<uint16_t>(subject.constants, offset);
    case BPF_W:
      return Read<uint32_t>(subject.constants, offset);
    default:
      return Read<uint64_t>(subject.constants, offset);
  }
}

/// What an instruction sets its register to.
Value Set(const Subject& subject, size_t at, const Values& values) {
  const bpf_insn& insn = subject.insns[at];
  if (IsWide(insn)) return Immediate(subject, at);
  return IsLoad(insn) ? Loaded(subject, at, values) : Calculated(insn, values);
}

Value Stored(const bpf_insn& insn, const Values& values) {
  if (!IsWhole(insn)) return {};
  if (BPF_CLASS(insn.code) == BPF_ST) return {Value::kNumber, Extended(insn.imm)};
  return values[insn.src_reg];
}

Values After(const Subject& subject, size_t at, Values values) {
  const bpf_insn& insn = subject.insns[at];
  if (OnlySetsRegister(insn)) {
    values[insn.dst_reg] = Set(subject, at, values);
    return values;
  }
  if (const auto slot = subject.frames.SlotOf(subject.insns, at)) {
    values[kFirstSlot + *slot] = Stored(insn, values);
  }
  if (IsCall(insn)) {
    for (int number = BPF_REG_0; number <= BPF_REG_5; number++) values[number] = {};
  } else if (IsAtomic(insn)) {
    values[insn.src_reg] = values[BPF_REG_0] = {};
  }
  return values;
}

/// What a function finds that is named by `insn`.
Values AtBegin(const bpf_insn& insn, const Values& values) {
  Values begin;
  if (!IsCall(insn)) return begin;
  for (int number = BPF_REG_1; number <= BPF_REG_5; number++) begin[number] = values[number];
  return begin;
}

bool Holds(int operation, uint64_t left, uint64_t right) {
  const auto signed_left = static_cast<int64_t>(left), signed_right = static_cast<int64_t>(right);
  switch (operation) {
    case BPF_JEQ:
      return left == right;
    case BPF_JNE:
      return left != right;
    case BPF_JGT:
      return left > right;
    case BPF_JGE:
      return left >= right;
    case BPF_JLT:
      return left < right;
    case BPF_JLE:
      return left <= right;
    case BPF_JSGT:
      return signed_left > signed_right;
    case BPF_JSGE:
      return signed_left >= signed_right;
    case BPF_JSLT:
      return signed_left < signed_right;
    case BPF_JSLE:
      return signed_left <= signed_right;
    default:
      return (left & right) != 0;  // BPF_JSET
  }
}

bool IsSigned(int operation) {
  return operation == BPF_JSGT || operation == BPF_JSGE || operation == BPF_JSLT ||
         operation == BPF_JSLE;
}

/// Goes through a program until nothing more is found of any instruction.
class Finder {
 public:
  explicit Finder(const Subject& subject) : subject_(subject), found_(subject.insns.size()) {}

  Found Find() && {
    Reach(0, {});
    while (!left_.empty()) {
      const size_t at = left_.back();
      left_.pop_back();
      Follow(at);
    }
    return std::move(found_);
  }

 private:
  void Follow(size_t at) {
    const bpf_insn& insn = subject_.insns[at];
    const Values before = *found_[at];
    if (NamesFunction(insn)) Reach(TargetOf(subject_.insns, at), AtBegin(insn, before));
    if (IsExit(insn)) return;
    const auto made = IsAlways(insn)        ? std::optional{true}
                      : IsConditional(insn) ? IsMade(insn, before)
                                            : std::optional{false};
    const Values after = After(subject_, at, before);
    if (made != false) Reach(TargetOf(subject_.insns, at), after);
    if (made != true) Reach(at + Width(insn), after);
  }

  /// The program comes to that instruction with those values, too.
  void Reach(size_t at, const Values& values) {
    auto& found = found_[at];
    bool is_new = !found;
    if (is_new) found = values;
    for (size_t number = 0; number < values.size(); number++) {
      if ((*found)[number].kind == Value::kUnknown || (*found)[number] == values[number]) continue;
      (*found)[number] = {};
      is_new = true;
    }
    if (is_new) left_.push_back(at);
  }

  const Subject& subject_;
  Found found_;
  std::vector<size_t> left_;
};

}  // namespace

Found FindConstants(const Subject& subject) { return Finder{subject}.Find(); }

std::optional<bool> IsMade(const bpf_insn& insn, const Values& before) {
  const Value left = before[insn.dst_reg], right = Operand(insn, before);
  if (left.kind != Value::kNumber || right.kind != Value::kNumber) return {};
  const int operation = BPF_OP(insn.code);
  if (Is64(insn)) return Holds(operation, left.number, right.number);
  const auto low_left = static_cast<uint32_t>(left.number);
  const auto low_right = static_cast<uint32_t>(right.number);
  if (!IsSigned(operation)) return Holds(operation, low_left, low_right);
  return Holds(operation, Extended(static_cast<int32_t>(low_left)),
               Extended(static_cast<int32_t>(low_right)));
}

std::optional<uint64_t> NumberSet(const Subject& subject, size_t at, const Values& before) {
  const Value value = Set(subject, at, before);
  if (value.kind != Value::kNumber) return {};
  return value.number;
}

std::optional<uint64_t> SecondOperand(const bpf_insn& insn, const Values& before) {
  const Value value = before[insn.src_reg];
  if (BPF_SRC(insn.code) != BPF_X || value.kind != Value::kNumber) return {};
  return value.number;
}

}  // namespace guardbee
