#include "error.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>

namespace guardbee {
namespace {

constexpr size_t kLogBytes = 16 * 1024;
constexpr int kEnotsupp = 524;  // the kernel's own, which libc does not know

thread_local std::string* current_log = nullptr;

std::string TextOf(int error) {
  if (error == kEnotsupp) return "Operation not supported by the kernel";
  char text[128];
  if (error >= __LIBBPF_ERRNO__START && libbpf_strerror(error, text, sizeof(text)) == 0) {
    return text;
  }
  return strerrordesc_np(error) == nullptr ? "error " + std::to_string(error)
                                           : strerrordesc_np(error);
}

int AppendToLog(enum libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN || current_log == nullptr) return 0;
  va_list again;
  va_copy(again, arguments);
  const int length = vsnprintf(nullptr, 0, format, arguments);
  if (length > 0) {
    std::string& log = *current_log;
    const size_t before = log.size();
    log.resize(before + length + 1);  // room for the NUL
    vsnprintf(log.data() + before, length + 1, format, again);
    log.pop_back();
    if (log.size() > kLogBytes) log.erase(0, log.size() - kLogBytes);
  }
  va_end(again);
  return length;
}

}  // namespace

std::string CodeOf(int error) {
  if (error == kEnotsupp) return "ENOTSUPP";
  if (error >= __LIBBPF_ERRNO__START) return "ELIBBPF";
  const char* name = strerrorname_np(error);
  return name == nullptr ? "E" + std::to_string(error) : name;
}

Napi::Error ErrorOf(Napi::Env env, const Failure& failure) {
  std::string message = failure.subject + ": " + failure.op + ": " + TextOf(failure.error);
  if (!failure.detail.empty()) message += "; " + failure.detail;
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, CodeOf(failure.error)));
  error.Set("op", Napi::String::New(env, failure.op));
  error.Set("subject", Napi::String::New(env, failure.subject));
  if (!failure.log.empty()) error.Set("log", Napi::String::New(env, failure.log));
  return error;
}

void Throw(Napi::Env env, const Failure& failure) { throw ErrorOf(env, failure); }

LogCapture::LogCapture(std::string& log) : outer_(current_log) { current_log = &log; }

LogCapture::~LogCapture() { current_log = outer_; }

void SilenceLibbpf() { libbpf_set_print(AppendToLog); }

}  // namespace guardbee
