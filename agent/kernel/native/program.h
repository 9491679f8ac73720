#pragma once
#include <napi.h>

namespace guardbee {

// openPinnedProgram(path: string): number
Napi::Value OpenPinnedProgram(const Napi::CallbackInfo& info);
// programId(fd: number): number
Napi::Value ProgramId(const Napi::CallbackInfo& info);
// pinProgram(fd: number, path: string): void
void PinProgram(const Napi::CallbackInfo& info);

}  // namespace guardbee
