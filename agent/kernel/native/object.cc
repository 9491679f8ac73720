#include "object.h"

#include <bpf/bpf.h>
#include <malloc.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "constructors.h"
#include "error.h"
#include "global.h"
#include "kernel-types.h"
#include "link.h"
#include "load-program.h"
#include "uprobe.h"

namespace guardbee {

Napi::Function BpfObject::Define(Napi::Env env) {
  return DefineClass(env, "BpfObject",
                     {InstanceMethod<&BpfObject::SetGlobal>("setGlobal"),
                      InstanceMethod<&BpfObject::ReuseMap>("reuseMap"),
                      InstanceMethod<&BpfObject::ResizeMap>("resizeMap"),
                      InstanceMethod<&BpfObject::SetAttachTarget>("setAttachTarget"),
                      InstanceMethod<&BpfObject::Load>("load"),
                      InstanceMethod<&BpfObject::LoadWithStats>("loadWithStats"),
                      InstanceMethod<&BpfObject::PinProgram>("pinProgram"),
                      InstanceMethod<&BpfObject::MapFd>("mapFd"),
                      InstanceMethod<&BpfObject::Attach>("attach"),
                      InstanceMethod<&BpfObject::AttachKprobe>("attachKprobe"),
                      InstanceMethod<&BpfObject::AttachKprobeMulti>("attachKprobeMulti"),
                      InstanceMethod<&BpfObject::AttachRawTracepoint>("attachRawTracepoint"),
                      InstanceMethod<&BpfObject::AttachTracepoint>("attachTracepoint"),
                      InstanceMethod<&BpfObject::Run>("run"),
                      InstanceMethod<&BpfObject::Close>("close")});
}

Napi::Value BpfObject::Open(const Napi::CallbackInfo& info) {
  return info.Env().GetInstanceData<Constructors>()->object.New({info[0]});
}

BpfObject::BpfObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<BpfObject>(info), path_(info[0].As<Napi::String>()) {
  std::string log;
  const LogCapture capture{log};
  const std::string types = KernelTypesFor(path_);
  LIBBPF_OPTS(bpf_object_open_opts, options,
              .btf_custom_path = types.empty() ? nullptr : types.c_str());
  object_.reset(bpf_object__open_file(path_.c_str(), &options));
  if (!object_) Throw(info.Env(), {errno, "open", path_, {}, log});
  bpf_map* map;
  bpf_object__for_each_map(map, object_.get()) maps_.emplace(bpf_map__name(map), map);
}

// setGlobal(name: string, value: Uint8Array): void
void BpfObject::SetGlobal(const Napi::CallbackInfo& info) {
  constexpr char op[] = "set global";
  const std::string name = info[0].As<Napi::String>();
  const auto value = info[1].As<Napi::Uint8Array>();
  bpf_object* object = Opened(info.Env(), op);
  // From load on, constants are read-only pages.
  if (loaded_) Throw(info.Env(), {EBUSY, op, name, "the object is loaded"});
  const auto bytes = FindGlobal(object, name);
  if (bytes.empty()) Throw(info.Env(), {ENOENT, op, name});
  if (bytes.size() != value.ByteLength()) {
    Throw(info.Env(), {EINVAL, op, name,
                       "has " + std::to_string(bytes.size()) + " bytes, the value " +
                           std::to_string(value.ByteLength())});
  }
  std::memcpy(bytes.data(), value.Data(), bytes.size());
}

// reuseMap(name: string, fd: number): void
void BpfObject::ReuseMap(const Napi::CallbackInfo& info) {
  constexpr char op[] = "reuse map";
  const std::string name = info[0].As<Napi::String>();
  bpf_map* map = FindMap(info.Env(), op, name);
  std::string log;
  const LogCapture capture{log};
  const int error = bpf_map__reuse_fd(map, info[1].As<Napi::Number>().Int32Value());
  if (error < 0) Throw(info.Env(), {-error, op, name, {}, log});
}

// resizeMap(name: string, size: { maxEntries?, keySize?, valueSize?, innerMapFd? }): void
void BpfObject::ResizeMap(const Napi::CallbackInfo& info) {
  constexpr char op[] = "resize map";
  const std::string name = info[0].As<Napi::String>();
  const auto size = info[1].As<Napi::Object>();
  bpf_map* map = FindMap(info.Env(), op, name);
  std::string log;
  const LogCapture capture{log};
  const auto apply = [&](const char* property, auto setter) {
    const Napi::Value value = size.Get(property);
    if (value.IsUndefined()) return;
    const int error = setter(map, value.As<Napi::Number>().Uint32Value());
    if (error < 0) Throw(info.Env(), {-error, op, name, property, log});
  };
  apply("maxEntries", bpf_map__set_max_entries);
  apply("keySize", bpf_map__set_key_size);
  apply("valueSize", bpf_map__set_value_size);
  apply("innerMapFd", [this](bpf_map* outer, uint32_t fd) {
    Fd inner = Duplicate(static_cast<int>(fd));
    if (!inner) return -errno;
    const int error = bpf_map__set_inner_map_fd(outer, inner.Get());
    if (error == 0) inner_maps_.push_back(std::move(inner));
    return error;
  });
}

// setAttachTarget(program: string, functionName: string): void
void BpfObject::SetAttachTarget(const Napi::CallbackInfo& info) {
  constexpr char op[] = "set attach target";
  const std::string name = info[0].As<Napi::String>();
  const std::string function = info[1].As<Napi::String>();
  bpf_program* program = FindProgram(info.Env(), op, name);
  std::string log;
  const LogCapture capture{log};
  const int error = bpf_program__set_attach_target(program, 0, function.c_str());
  if (error < 0) Throw(info.Env(), {-error, op, name, function, log});
}

// load(): void. libbpf loads a program that failed once more, to get the verifier's log.
void BpfObject::Load(const Napi::CallbackInfo& info) { LoadOnce(info.Env(), {}); }

// loadWithStats(): Record<string, string>
Napi::Value BpfObject::LoadWithStats(const Napi::CallbackInfo& info) {
  constexpr __u32 kStats = 4;  // BPF_LOG_STATS of the kernel's bpf_verifier.h
  constexpr size_t kStatsBytes = 64 * 1024;
  ProgramLogs logs;
  bpf_program* program;
  bpf_object__for_each_program(program, Opened(info.Env(), "load")) {
    logs.emplace_back(bpf_program__name(program), kStatsBytes);
    bpf_program__set_log_level(program, kStats);
    bpf_program__set_log_buf(program, logs.back().second.data(), kStatsBytes);
  }
  LoadOnce(info.Env(), logs);
  auto stats = Napi::Object::New(info.Env());
  for (const auto& [name, log] : logs) stats.Set(name, Napi::String::New(info.Env(), log.data()));
  return stats;
}

void BpfObject::LoadOnce(Napi::Env env, const ProgramLogs& logs) {
  bpf_object* object = Opened(env, "load");
  if (loaded_) Throw(env, {EBUSY, "load", path_, "the object is loaded"});
  bpf_program* program;
  bpf_object__for_each_program(program, object) {
    if (bpf_program__type(program) != BPF_PROG_TYPE_KPROBE) continue;
    const bool of_files = std::string_view{bpf_program__section_name(program)} == "uprobe";
    if (of_files ? HasUprobeMulti() : HasKprobeMulti()) {
      const int type = of_files ? kUprobeMulti : BPF_TRACE_KPROBE_MULTI;
      bpf_program__set_expected_attach_type(program, static_cast<bpf_attach_type>(type));
    }
  }
  std::string log;
  const LogCapture capture{log};
  const int error = LoadSpecialised(object);
  loaded_ = true;  // libbpf takes no second try
  inner_maps_.clear();
  if (error == 0) return;
  for (const auto& [_, of_program] : logs) log += of_program.data();
  Throw(env, {-error, "load", path_, {}, log});
}

// pinProgram(program: string, path: string): void
void BpfObject::PinProgram(const Napi::CallbackInfo& info) {
  constexpr char op[] = "pin program";
  const std::string name = info[0].As<Napi::String>();
  const std::string path = info[1].As<Napi::String>();
  const int program = LoadedProgram(info.Env(), op, name);
  if (unlink(path.c_str()) < 0 && errno != ENOENT) Throw(info.Env(), {errno, op, path});
  if (bpf_obj_pin(program, path.c_str()) < 0) Throw(info.Env(), {errno, op, path});
}

// mapFd(name: string): number
Napi::Value BpfObject::MapFd(const Napi::CallbackInfo& info) {
  constexpr char op[] = "map fd";
  const std::string name = info[0].As<Napi::String>();
  const int own = bpf_map__fd(FindMap(info.Env(), op, name));
  if (own < 0) Throw(info.Env(), {EBADF, op, name, "the object is not loaded"});
  Fd fd = Duplicate(own);
  if (!fd) Throw(info.Env(), {errno, op, name});
  return Napi::Number::New(info.Env(), fd.Release());
}

struct DestroyLink {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};

// attach(program: string): Link
Napi::Value BpfObject::Attach(const Napi::CallbackInfo& info) {
  constexpr char op[] = "attach";
  const std::string name = info[0].As<Napi::String>();
  LoadedProgram(info.Env(), op, name);
  bpf_program* program = FindProgram(info.Env(), op, name);
  const bpf_prog_type type = bpf_program__type(program);
  if (type == BPF_PROG_TYPE_KPROBE || type == BPF_PROG_TYPE_TRACEPOINT ||
      type == BPF_PROG_TYPE_PERF_EVENT) {
    // kprobe.cc says why libbpf's links of perf events will not do.
    Throw(info.Env(), {EOPNOTSUPP, op, name, "perf event programs attach by attachKprobe only"});
  }
  std::string log;
  const LogCapture capture{log};
  const std::unique_ptr<bpf_link, DestroyLink> link{bpf_program__attach(program)};
  if (!link) Throw(info.Env(), {errno, op, name, {}, log});
  Fd fd = Duplicate(bpf_link__fd(link.get()));
  if (!fd) Throw(info.Env(), {errno, op, name});
  return Link::Adopt(info.Env(), std::move(fd), {});
}

// attachKprobe(program: string, functionName: string, options: { ret: boolean }): Link
Napi::Value BpfObject::AttachKprobe(const Napi::CallbackInfo& info) {
  constexpr char op[] = "attach kprobe";
  const std::string name = info[0].As<Napi::String>();
  const std::string function = info[1].As<Napi::String>();
  const bool at_return = info[2].As<Napi::Object>().Get("ret").As<Napi::Boolean>();
  const bool multi = bpf_program__expected_attach_type(FindProgram(info.Env(), op, name)) ==
                     BPF_TRACE_KPROBE_MULTI;
  Fd fd = guardbee::AttachKprobe(LoadedProgram(info.Env(), op, name), multi, function, at_return);
  if (!fd) Throw(info.Env(), {errno, op, name, function});
  return Link::Adopt(info.Env(), std::move(fd), {});
}

// attachKprobeMulti(program: string, functions: { symbol: string, number: number }[]): Link
Napi::Value BpfObject::AttachKprobeMulti(const Napi::CallbackInfo& info) {
  constexpr char op[] = "attach kprobe.multi";
  const std::string name = info[0].As<Napi::String>();
  const auto functions = info[1].As<Napi::Array>();
  std::vector<std::string> symbols;
  std::vector<__u64> cookies;
  for (uint32_t i = 0; i < functions.Length(); i++) {
    const auto function = functions.Get(i).As<Napi::Object>();
    symbols.push_back(function.Get("symbol").As<Napi::String>());
    cookies.push_back(function.Get("number").As<Napi::Number>().Uint32Value());
  }
  std::vector<const char*> texts;
  for (const std::string& symbol : symbols) texts.push_back(symbol.c_str());
  LIBBPF_OPTS(bpf_link_create_opts, options);
  options.kprobe_multi.cnt = static_cast<__u32>(texts.size());
  options.kprobe_multi.syms = texts.data();
  options.kprobe_multi.cookies = cookies.data();
  const int program = LoadedProgram(info.Env(), op, name);
  Fd fd{bpf_link_create(program, 0, BPF_TRACE_KPROBE_MULTI, &options)};
  if (!fd) Throw(info.Env(), {errno, op, name});
  return Link::Adopt(info.Env(), std::move(fd), {});
}

// attachRawTracepoint(program: string, event: string): Link
Napi::Value BpfObject::AttachRawTracepoint(const Napi::CallbackInfo& info) {
  constexpr char op[] = "attach raw tracepoint";
  const std::string name = info[0].As<Napi::String>();
  const std::string event = info[1].As<Napi::String>();
  Fd fd{bpf_raw_tracepoint_open(event.c_str(), LoadedProgram(info.Env(), op, name))};
  if (!fd) Throw(info.Env(), {errno, op, name, event});
  return Link::Adopt(info.Env(), std::move(fd), {});
}

// attachTracepoint(program: string, id: number): Link
Napi::Value BpfObject::AttachTracepoint(const Napi::CallbackInfo& info) {
  constexpr char op[] = "attach tracepoint";
  const std::string name = info[0].As<Napi::String>();
  const uint32_t id = info[1].As<Napi::Number>().Uint32Value();
  Fd fd = guardbee::AttachTracepoint(LoadedProgram(info.Env(), op, name), id);
  if (!fd) Throw(info.Env(), {errno, op, name, std::to_string(id)});
  return Link::Adopt(info.Env(), std::move(fd), {});
}

// run(program: string, context: Uint8Array): number
Napi::Value BpfObject::Run(const Napi::CallbackInfo& info) {
  constexpr char op[] = "run";
  const std::string name = info[0].As<Napi::String>();
  const auto context = info[1].As<Napi::Uint8Array>();
  const int fd = LoadedProgram(info.Env(), op, name);
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.ctx_in = context.Data();
  options.ctx_size_in = static_cast<uint32_t>(context.ByteLength());
  const int error = bpf_prog_test_run_opts(fd, &options);
  if (error < 0) Throw(info.Env(), {-error, op, name});
  return Napi::Number::New(info.Env(), options.retval);
}

// close(): void
void BpfObject::Close(const Napi::CallbackInfo&) {
  maps_.clear();
  inner_maps_.clear();
  if (object_ == nullptr) return;
  object_.reset();
  if (loaded_) malloc_trim(0);  // small blocks for each of the kernel's types lay among others
}

bpf_object* BpfObject::Opened(Napi::Env env, const char* op) const {
  if (!object_) Throw(env, {EBADF, op, path_, "the object is closed"});
  return object_.get();
}

bpf_map* BpfObject::FindMap(Napi::Env env, const char* op, const std::string& name) const {
  bpf_object* object = Opened(env, op);
  const auto found = maps_.find(name);
  // What the compiler made for globals goes by its section: ".bss", ".data.state".
  bpf_map* map = found != maps_.end() ? found->second
                                      : bpf_object__find_map_by_name(object, name.c_str());
  if (map == nullptr) Throw(env, {ENOENT, op, name, "no such map in " + path_});
  return map;
}

bpf_program* BpfObject::FindProgram(Napi::Env env, const char* op, const std::string& name) const {
  bpf_program* program = bpf_object__find_program_by_name(Opened(env, op), name.c_str());
  if (program == nullptr) Throw(env, {ENOENT, op, name, "no such program in " + path_});
  return program;
}

int BpfObject::LoadedProgram(Napi::Env env, const char* op, const std::string& name) const {
  const int fd = bpf_program__fd(FindProgram(env, op, name));
  if (fd < 0) Throw(env, {EBADF, op, name, "the program is not loaded"});
  return fd;
}

}  // namespace guardbee
