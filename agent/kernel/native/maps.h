#pragma once
#include <napi.h>

namespace guardbee {

// All of these take map descriptors; buffers must have exactly the size that the map wants.

// createMap(spec: MapSpec): number
Napi::Value CreateMap(const Napi::CallbackInfo& info);
// mapInfo(fd: number): MapInfo
Napi::Value MapInfo(const Napi::CallbackInfo& info);
// pinMap(fd: number, path: string): void
void PinMap(const Napi::CallbackInfo& info);
// openPinnedMap(path: string): number
Napi::Value OpenPinnedMap(const Napi::CallbackInfo& info);
// lookup(fd: number, key: Uint8Array, value: Uint8Array): boolean
Napi::Value Lookup(const Napi::CallbackInfo& info);
// lookupMany(fd: number, keys: Uint8Array): Promise<{ found: Uint8Array, values: Uint8Array }>
Napi::Value LookupMany(const Napi::CallbackInfo& info);
// update(fd: number, key: Uint8Array, value: Uint8Array, flags?: number): void
void Update(const Napi::CallbackInfo& info);
// updateBatch(fd: number, keys: Uint8Array, values: Uint8Array, count: number): void
void UpdateBatch(const Napi::CallbackInfo& info);
// remove(fd: number, key: Uint8Array): boolean
Napi::Value Remove(const Napi::CallbackInfo& info);
// keys(fd: number): Uint8Array
Napi::Value Keys(const Napi::CallbackInfo& info);
// freeze(fd: number): void
void Freeze(const Napi::CallbackInfo& info);
// possibleCpus(): number
Napi::Value PossibleCpus(const Napi::CallbackInfo& info);

}  // namespace guardbee
