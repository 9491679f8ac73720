#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>

#include <cerrno>
#include <iterator>
#include <string>

#include "error.h"
#include "fd.h"
#include "kernel-types.h"
#include "probe.h"

namespace guardbee {
namespace {

constexpr bpf_insn Instruction(int code, int to, int from, int16_t offset, int32_t value) {
  bpf_insn result{};
  result.code = static_cast<__u8>(code);
  result.dst_reg = static_cast<__u8>(to) & 0xf;
  result.src_reg = static_cast<__u8>(from) & 0xf;
  result.off = offset;
  result.imm = value;
  return result;
}

/// Reads the first parameter as programs here do, and answers 0.
constexpr bpf_insn kProgram[] = {
    Instruction(BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, -8, 0),
    Instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, 0),
    Instruction(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_10, 0, 0),
    Instruction(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_3, 0, 0, -8),
    Instruction(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_func_arg),
    Instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
    Instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
};

/// The errno with which the kernel refuses the program for a function, or 0.
int AnswerOf(bpf_attach_type type, const std::string& function) {
  const btf* types = KernelTypes();
  if (types == nullptr) return ENOENT;
  const int id = btf__find_by_name_kind(types, function.c_str(), BTF_KIND_FUNC);
  if (id < 0) return ESRCH;
  LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = type,
              .attach_btf_id = static_cast<__u32>(id));
  const Fd program{bpf_prog_load(BPF_PROG_TYPE_TRACING, "guardbee_probe", "GPL", kProgram,
                                 std::size(kProgram), &options)};
  return program ? 0 : errno;
}

}  // namespace

Napi::Value TrampolineRefusal(const Napi::CallbackInfo& info) {
  const std::string type = info[0].As<Napi::String>();
  const std::string function = info[1].As<Napi::String>();
  const int answer = AnswerOf(type == "fmod_ret" ? BPF_MODIFY_RETURN : BPF_TRACE_FENTRY, function);
  if (answer == 0) return info.Env().Null();
  return Napi::String::New(info.Env(), CodeOf(answer));
}

}  // namespace guardbee
