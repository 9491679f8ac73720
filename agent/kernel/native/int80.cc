#include "int80.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>

// The symbols of the 32-bit entries do not tell: ia32_emulation=off on the kernel's command line, or
// a configuration with that default, closes them where they are. So a child process tries.

namespace guardbee {
namespace {

#if defined(__x86_64__)

enum Answer : int { kTaken = 10, kRefused = 11, kUnclear = 12 };

/// In the child of a process with threads: nothing here allocates or locks.
[[noreturn]] void Try() {
  struct sigaction refused{};
  refused.sa_handler = [](int) { _exit(kRefused); };
  sigaction(SIGSEGV, &refused, nullptr);
  constexpr long kGetpid = 20;  // of the 32-bit table
  long result = kGetpid;
  asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
  _exit(result == getpid() ? kTaken : kUnclear);  // a seccomp filter may answer instead
}

std::optional<bool> Ask() {
  const pid_t child = fork();
  if (child < 0) return std::nullopt;
  if (child == 0) Try();
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return std::nullopt;
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) == kUnclear) return std::nullopt;
  return WEXITSTATUS(status) == kTaken;
}

#else

std::optional<bool> Ask() { return false; }

#endif

}  // namespace

Napi::Value TakesInt80(const Napi::CallbackInfo& info) {
  const std::optional<bool> answer = Ask();
  return answer ? Napi::Boolean::New(info.Env(), *answer) : info.Env().Null();
}

}  // namespace guardbee
