#include "program.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <string>

#include "error.h"
#include "fd.h"

namespace guardbee {

Napi::Value OpenPinnedProgram(const Napi::CallbackInfo& info) {
  constexpr char op[] = "open program";
  const std::string path = info[0].As<Napi::String>();
  Fd fd{bpf_obj_get(path.c_str())};
  if (!fd) Throw(info.Env(), {errno, op, path});
  if (!IsBpf(fd.Get(), "prog")) Throw(info.Env(), {EINVAL, op, path, "is not a program"});
  return Napi::Number::New(info.Env(), fd.Release());
}

Napi::Value ProgramId(const Napi::CallbackInfo& info) {
  constexpr char op[] = "program id";
  const int fd = info[0].As<Napi::Number>().Int32Value();
  const std::string subject = "fd " + std::to_string(fd);
  bpf_prog_info program{};
  uint32_t size = sizeof(program);
  if (!IsBpf(fd, "prog")) Throw(info.Env(), {EINVAL, op, subject, "is not a program"});
  if (bpf_obj_get_info_by_fd(fd, &program, &size) < 0) Throw(info.Env(), {errno, op, subject});
  return Napi::Number::New(info.Env(), program.id);
}

void PinProgram(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  const std::string path = info[1].As<Napi::String>();
  if (bpf_obj_pin(fd, path.c_str()) < 0) Throw(info.Env(), {errno, "pin program", path});
}

}  // namespace guardbee
