#pragma once
#include <napi.h>

namespace guardbee {

/// The classes of one environment (main thread or worker), for native code that makes objects.
struct Constructors {
  Napi::FunctionReference object;
  Napi::FunctionReference link;
  Napi::FunctionReference ring;
};

}  // namespace guardbee
