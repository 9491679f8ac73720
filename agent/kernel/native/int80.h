#pragma once
#include <napi.h>

namespace guardbee {

// takesInt80(): boolean | null
Napi::Value TakesInt80(const Napi::CallbackInfo& info);

}  // namespace guardbee
