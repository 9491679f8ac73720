#pragma once
#include <napi.h>

namespace guardbee {

// btfFunction(name: string): { parameters: number } | null
Napi::Value BtfFunction(const Napi::CallbackInfo& info);

}  // namespace guardbee
