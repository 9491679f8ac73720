#pragma once
#include <napi.h>

#include <memory>

namespace guardbee {

class Ring;

/// JS's handle of a Ring; the ring itself lives on until it is closed, whether or not JS keeps this.
class RingReader : public Napi::ObjectWrap<RingReader> {
 public:
  static Napi::Function Define(Napi::Env env);
  // openRing(mapFd: number, onRecords: (records: Buffer) => void): RingReader
  static Napi::Value Open(const Napi::CallbackInfo& info);

  explicit RingReader(const Napi::CallbackInfo& info);

 private:
  Napi::Value Close(const Napi::CallbackInfo& info);

  std::shared_ptr<Ring> ring_;
  Napi::ObjectReference closed_;  // the promise, from the first close() on
};

}  // namespace guardbee
