#include "slots.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

namespace guardbee {
namespace {

constexpr size_t kThreads = 32;

/// What a slot of a map of maps is to have; nothing without `inner`.
struct Change {
  int map;
  uint32_t slot;
  std::optional<uint32_t> inner;
  bool done = false;
};

bool Apply(const Change& change) {
  if (change.inner) {
    return bpf_map_update_elem(change.map, &change.slot, &*change.inner, BPF_ANY) == 0;
  }
  return bpf_map_delete_elem(change.map, &change.slot) == 0 || errno == ENOENT;
}

/// The kernel answers each of them after a grace period of RCU: on threads of their own they wait
/// for the same one.
void ApplyAll(std::vector<Change>& changes) {
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < changes.size(); i = next++) changes[i].done = Apply(changes[i]);
  };
  std::vector<std::jthread> others;
  try {
    while (others.size() + 1 < std::min(changes.size(), kThreads)) others.emplace_back(work);
  } catch (const std::system_error&) {
    // Those that there are do it, only later.
  }
  work();
}

std::vector<Change> ChangesIn(const Napi::Array& array) {
  std::vector<Change> changes;
  for (uint32_t i = 0; i < array.Length(); i++) {
    const auto object = array.Get(i).As<Napi::Object>();
    const auto number = [&](const char* name) { return object.Get(name).As<Napi::Number>(); };
    Change change{number("map").Int32Value(), number("slot").Uint32Value(), {}};
    if (object.Get("inner").IsNumber()) change.inner = number("inner").Uint32Value();
    changes.push_back(change);
  }
  return changes;
}

}  // namespace

Napi::Value ChangeSlots(const Napi::CallbackInfo& info) {
  std::vector<Change> changes = ChangesIn(info[0].As<Napi::Array>());
  ApplyAll(changes);
  Napi::Array done = Napi::Array::New(info.Env(), changes.size());
  for (uint32_t i = 0; i < changes.size(); i++) {
    done.Set(i, Napi::Boolean::New(info.Env(), changes[i].done));
  }
  return done;
}

}  // namespace guardbee
