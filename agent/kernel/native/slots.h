#pragma once
#include <napi.h>

namespace guardbee {

// changeSlots(changes: { map: number, slot: number, inner?: number }[]): boolean[]
Napi::Value ChangeSlots(const Napi::CallbackInfo& info);

}  // namespace guardbee
