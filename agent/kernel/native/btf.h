#pragma once
#include <napi.h>

namespace guardbee {

// btfFunction(name: string): { parameters: string[], returns: string } | null
Napi::Value BtfFunction(const Napi::CallbackInfo& info);

// btfTracepoint(event: string): string[] | null
Napi::Value BtfTracepoint(const Napi::CallbackInfo& info);

}  // namespace guardbee
