#pragma once
#include <napi.h>

#include <memory>

namespace guardbee {

class Rings;

/// JS's handle of Rings; they live on until they are closed, whether or not JS keeps this.
class RingReader : public Napi::ObjectWrap<RingReader> {
 public:
  static Napi::Function Define(Napi::Env env);
  // openRings(first: number, second?: number): RingReader
  static Napi::Value Open(const Napi::CallbackInfo& info);

  explicit RingReader(const Napi::CallbackInfo& info);

 private:
  Napi::Value Read(const Napi::CallbackInfo& info);
  void End(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  std::shared_ptr<Rings> rings_;
  Napi::ObjectReference closed_;  // the promise, from the first close() on
};

}  // namespace guardbee
