#include <libelf.h>

#include <cstdio>
#include <utility>

// Debian compiles libbpf.a and libelf.a for executables (-fPIE), not for shared objects (-fPIC). The
// linker takes them into an addon but for two places, which are replaced here. May go with archives
// that are compiled with -fPIC.

namespace {

thread_local int last_error = 0;

}  // namespace

extern "C" {

// libbpf reads `stderr` at a fixed distance, so it must be in the addon itself: the Makefile's
// --wrap=stderr leads here. Only libbpf's default printer uses it, and error.cc replaces that.
extern FILE* __real_stderr;
FILE* __wrap_stderr = __real_stderr;

// All of elf_error.o, whose thread-local variable has a fixed offset. The numbers are elfutils'
// ELF_E_*, the texts stayed behind; libbpf puts them into its messages.
void __libelf_seterrno(int value) { last_error = value; }

int elf_errno(void) { return std::exchange(last_error, 0); }

// 0: the last error if there is one; -1: the last error in any case.
const char* elf_errmsg(int error) {
  thread_local char text[32];
  const int number = error == 0 || error == -1 ? last_error : error;
  if (error == 0 && number == 0) return nullptr;
  snprintf(text, sizeof(text), "libelf error %d", number);
  return text;
}
}
