#pragma once
#include <bpf/libbpf.h>
#include <napi.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "fd.h"

namespace guardbee {

struct CloseObject {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};

/// One BPF object file: open, specialise, load, attach. What it attached outlives it.
class BpfObject : public Napi::ObjectWrap<BpfObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  // openObject(path: string): BpfObject
  static Napi::Value Open(const Napi::CallbackInfo& info);

  explicit BpfObject(const Napi::CallbackInfo& info);

 private:
  void SetGlobal(const Napi::CallbackInfo& info);
  void ReuseMap(const Napi::CallbackInfo& info);
  void ResizeMap(const Napi::CallbackInfo& info);
  void SetAttachTarget(const Napi::CallbackInfo& info);
  void Load(const Napi::CallbackInfo& info);
  Napi::Value LoadWithStats(const Napi::CallbackInfo& info);
  void PinProgram(const Napi::CallbackInfo& info);
  Napi::Value MapFd(const Napi::CallbackInfo& info);
  Napi::Value Attach(const Napi::CallbackInfo& info);
  Napi::Value AttachKprobe(const Napi::CallbackInfo& info);
  Napi::Value AttachKprobeMulti(const Napi::CallbackInfo& info);
  Napi::Value AttachRawTracepoint(const Napi::CallbackInfo& info);
  Napi::Value AttachTracepoint(const Napi::CallbackInfo& info);
  Napi::Value Run(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  /// What the verifier wrote, by the names of programs that have a buffer of their own for it.
  using ProgramLogs = std::vector<std::pair<std::string, std::vector<char>>>;
  void LoadOnce(Napi::Env env, const ProgramLogs& logs);
  bpf_object* Opened(Napi::Env env, const char* op) const;
  bpf_map* FindMap(Napi::Env env, const char* op, const std::string& name) const;
  bpf_program* FindProgram(Napi::Env env, const char* op, const std::string& name) const;
  int LoadedProgram(Napi::Env env, const char* op, const std::string& name) const;

  std::unique_ptr<bpf_object, CloseObject> object_;
  std::string path_;
  bool loaded_ = false;  // only Load sets it
  /// By the names in the file: libbpf renames a map to the one that it reuses.
  std::unordered_map<std::string, bpf_map*> maps_;
  /// libbpf only borrows an inner map until load.
  std::vector<Fd> inner_maps_;
};

}  // namespace guardbee
