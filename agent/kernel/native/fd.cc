#include "fd.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string>
#include <utility>

#include "error.h"

namespace guardbee {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    Reset();
    fd_ = other.Release();
  }
  return *this;
}

int Fd::Release() { return std::exchange(fd_, -1); }

void Fd::Reset() {
  if (fd_ >= 0) close(Release());
}

Fd Duplicate(int fd) { return Fd{fcntl(fd, F_DUPFD_CLOEXEC, 0)}; }

bool IsBpf(int fd, std::string_view kind) {
  char target[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = readlink(link.c_str(), target, sizeof(target));
  if (length < 0) return false;
  const std::string_view name{target, static_cast<size_t>(length)};
  // "anon_inode:bpf-map", "anon_inode:bpf_link"
  constexpr std::string_view prefix = "anon_inode:bpf";
  return name.starts_with(prefix) && name.size() > prefix.size() &&
         name.substr(prefix.size() + 1) == kind;
}

void CloseFd(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  if (close(fd) < 0) Throw(info.Env(), {errno, "close", "fd " + std::to_string(fd)});
}

Napi::Value PidfdOpen(const Napi::CallbackInfo& info) {
  const int pid = info[0].As<Napi::Number>().Int32Value();
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) Throw(info.Env(), {errno, "pidfd_open", "pid " + std::to_string(pid)});
  return Napi::Number::New(info.Env(), fd);
}

}  // namespace guardbee
