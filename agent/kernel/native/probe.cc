#include "probe.h"

#include <linux/bpf.h>

#include <cstdlib>
#include <fstream>

namespace guardbee {

std::optional<uint32_t> ReadUnit(const std::string& unit, const std::string& file,
                                 const std::string& prefix) {
  std::ifstream in{"/sys/bus/event_source/devices/" + unit + "/" + file};
  std::string text;
  if (!std::getline(in, text) || !text.starts_with(prefix)) return std::nullopt;
  return static_cast<uint32_t>(std::strtoul(text.c_str() + prefix.size(), nullptr, 10));
}

namespace {

Fd Load(const bpf_insn* instructions, size_t count, int expected_attach_type) {
  LIBBPF_OPTS(bpf_prog_load_opts, options,
              .expected_attach_type = static_cast<bpf_attach_type>(expected_attach_type));
  return Fd{bpf_prog_load(BPF_PROG_TYPE_KPROBE, "guardbee_probe", "GPL", instructions, count,
                          &options)};
}

constexpr bpf_insn kReturnZero = {
    .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = 0};
constexpr bpf_insn kWriteRegister = {
    .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_0, .off = 80, .imm = 0};
constexpr bpf_insn kExit = {
    .code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0};

}  // namespace

Fd LoadEmptyProbe(int expected_attach_type) {
  const bpf_insn instructions[] = {kReturnZero, kExit};
  return Load(instructions, 2, expected_attach_type);
}

Fd LoadWritingProbe(int expected_attach_type) {
  const bpf_insn instructions[] = {kReturnZero, kWriteRegister, kExit};
  return Load(instructions, 3, expected_attach_type);
}

}  // namespace guardbee
