#pragma once
#include <napi.h>

#include <string_view>

namespace guardbee {

/// A file descriptor that is closed with its owner; -1 holds none.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.Release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { Reset(); }

  explicit operator bool() const { return fd_ >= 0; }
  int Get() const { return fd_; }
  int Release();
  void Reset();

 private:
  int fd_;
};

/// A second descriptor of `fd`, close-on-exec; empty with errno set where that fails.
Fd Duplicate(int fd);

/// Whether `fd` is a BPF `kind` ("map", "link"): the kernel itself fills any info from any of them.
bool IsBpf(int fd, std::string_view kind);

// closeFd(fd: number): void
void CloseFd(const Napi::CallbackInfo& info);
// pidfdOpen(pid: number): number
Napi::Value PidfdOpen(const Napi::CallbackInfo& info);

}  // namespace guardbee
