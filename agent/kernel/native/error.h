#pragma once
#include <napi.h>

#include <string>

namespace guardbee {

/// What a KernelError tells. Write `errno` first: the members after it may change errno.
struct Failure {
  int error;  // errno, positive; or one of libbpf's own from 4000 on
  const char* op;
  std::string subject;
  std::string detail = {};
  std::string log = {};
};

/// KernelError "<subject>: <op>: <strerror>[; detail]".
Napi::Error ErrorOf(Napi::Env env, const Failure& failure);

/// Throws that.
[[noreturn]] void Throw(Napi::Env env, const Failure& failure);

/// An errno's name: `EPERM`.
std::string CodeOf(int error);

/// While it lives, what libbpf prints on this thread, the verifier's log included, goes to `log`,
/// of which the last 16 kB are kept.
class LogCapture {
 public:
  explicit LogCapture(std::string& log);
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

 private:
  std::string* const outer_;
};

/// Once, before any other use of libbpf: it prints nothing to stderr.
void SilenceLibbpf();

}  // namespace guardbee
