#include <malloc.h>
#include <napi.h>

#include <memory>

#include "btf.h"
#include "constructors.h"
#include "error.h"
#include "fd.h"
#include "int80.h"
#include "link.h"
#include "maps.h"
#include "object.h"
#include "probe.h"
#include "program.h"
#include "ring.h"
#include "slots.h"
#include "uprobe.h"

namespace guardbee {
namespace {

/// What is as large as this is given back to the kernel when it is freed. Otherwise malloc learns,
/// from the 5 MB of the kernel's types that every load of a program reads, to take such memory from
/// its heap, where what lives longer comes to lie behind it: 20 MB that nobody uses.
constexpr int kGivenBackBytes = 128 * 1024;

Napi::Object Register(Napi::Env env, Napi::Object exports) {
  mallopt(M_MMAP_THRESHOLD, kGivenBackBytes);
  mallopt(M_TRIM_THRESHOLD, kGivenBackBytes);
  SilenceLibbpf();

  auto constructors = std::make_unique<Constructors>();
  constructors->object = Napi::Persistent(BpfObject::Define(env));
  constructors->link = Napi::Persistent(Link::Define(env));
  constructors->ring = Napi::Persistent(RingReader::Define(env));
  env.SetInstanceData(constructors.release());  // the environment deletes it

  exports.Set("openObject", Napi::Function::New<BpfObject::Open>(env, "openObject"));
  exports.Set("createMap", Napi::Function::New<CreateMap>(env, "createMap"));
  exports.Set("mapInfo", Napi::Function::New<MapInfo>(env, "mapInfo"));
  exports.Set("pinMap", Napi::Function::New<PinMap>(env, "pinMap"));
  exports.Set("openPinnedMap", Napi::Function::New<OpenPinnedMap>(env, "openPinnedMap"));
  exports.Set("openPinnedLink", Napi::Function::New<Link::OpenPinned>(env, "openPinnedLink"));
  exports.Set("openPinnedProgram", Napi::Function::New<OpenPinnedProgram>(env, "openPinnedProgram"));
  exports.Set("programId", Napi::Function::New<ProgramId>(env, "programId"));
  exports.Set("pinProgram", Napi::Function::New<PinProgram>(env, "pinProgram"));
  exports.Set("lookup", Napi::Function::New<Lookup>(env, "lookup"));
  exports.Set("lookupMany", Napi::Function::New<LookupMany>(env, "lookupMany"));
  exports.Set("update", Napi::Function::New<Update>(env, "update"));
  exports.Set("updateBatch", Napi::Function::New<UpdateBatch>(env, "updateBatch"));
  exports.Set("remove", Napi::Function::New<Remove>(env, "remove"));
  exports.Set("changeSlots", Napi::Function::New<ChangeSlots>(env, "changeSlots"));
  exports.Set("keys", Napi::Function::New<Keys>(env, "keys"));
  exports.Set("freeze", Napi::Function::New<Freeze>(env, "freeze"));
  exports.Set("closeFd", Napi::Function::New<CloseFd>(env, "closeFd"));
  exports.Set("pidfdOpen", Napi::Function::New<PidfdOpen>(env, "pidfdOpen"));
  exports.Set("possibleCpus", Napi::Function::New<PossibleCpus>(env, "possibleCpus"));
  exports.Set("btfFunction", Napi::Function::New<BtfFunction>(env, "btfFunction"));
  exports.Set("perfEventRefusal", Napi::Function::New<PerfEventRefusal>(env, "perfEventRefusal"));
  exports.Set("btfTracepoint", Napi::Function::New<BtfTracepoint>(env, "btfTracepoint"));
  exports.Set("takesInt80", Napi::Function::New<TakesInt80>(env, "takesInt80"));
  exports.Set("kprobeRefusal", Napi::Function::New<KprobeRefusal>(env, "kprobeRefusal"));
  exports.Set("attachUprobe", Napi::Function::New<AttachUprobe>(env, "attachUprobe"));
  exports.Set("takesManyUprobes",
              Napi::Function::New<TakesManyUprobes>(env, "takesManyUprobes"));
  exports.Set("trampolineRefusal",
              Napi::Function::New<TrampolineRefusal>(env, "trampolineRefusal"));
  exports.Set("uprobeRefusal", Napi::Function::New<UprobeRefusal>(env, "uprobeRefusal"));
  exports.Set("uprobeOverrideRefusal",
              Napi::Function::New<UprobeOverrideRefusal>(env, "uprobeOverrideRefusal"));
  exports.Set("openInRoot", Napi::Function::New<OpenInRoot>(env, "openInRoot"));
  exports.Set("openRings", Napi::Function::New<RingReader::Open>(env, "openRing"));
  return exports;
}

}  // namespace

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Register)

}  // namespace guardbee
