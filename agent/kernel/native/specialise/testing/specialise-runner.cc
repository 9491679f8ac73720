// Test support: specialises each program that comes on standard input and writes it to standard output.
// Program: u32 instructions, functions, lines, bytes of constants; then those. Answer: u32 instructions
// (0: is not understood), functions, lines; then those.
#include <cstdio>
#include <cstdlib>

#include "../specialise.h"

namespace {

constexpr int kMapFd = 7;

template <typename T>
std::vector<T> Read(size_t count) {
  std::vector<T> items(count);
  if (count > 0 && fread(items.data(), sizeof(T), count, stdin) != count) abort();
  return items;
}

template <typename T>
void Write(const std::vector<T>& items) {
  const size_t count = items.size();
  if (count > 0 && fwrite(items.data(), sizeof(T), count, stdout) != count) abort();
}

}  // namespace

int main() {
  __u32 counts[4];
  while (fread(counts, sizeof(__u32), 4, stdin) == 4) {
    const auto insns = Read<bpf_insn>(counts[0]);
    const auto functions = Read<bpf_func_info>(counts[1]);
    const auto lines = Read<bpf_line_info>(counts[2]);
    const auto constants = Read<uint8_t>(counts[3]);
    const guardbee::Specialised result =
        guardbee::Specialise(insns, {kMapFd, constants}, {functions, lines}).value_or(guardbee::Specialised{});
    Write(std::vector<__u32>{static_cast<__u32>(result.insns.size()),
                             static_cast<__u32>(result.functions.size()),
                             static_cast<__u32>(result.lines.size())});
    Write(result.insns);
    Write(result.functions);
    Write(result.lines);
  }
}
