#include "btf.h"

#include <bpf/btf.h>

#include <string>

#include "kernel-types.h"

namespace guardbee {
namespace {

/// A type as C has it, without const, and with a typedef or an enum as what it is.
std::string InC(const btf* types, uint32_t id) {
  if (id == 0) return "void";
  const btf_type* type = btf__type_by_id(types, id);
  const char* name = btf__name_by_offset(types, type->name_off);
  switch (btf_kind(type)) {
    case BTF_KIND_PTR:
      return InC(types, type->type) + " *";
    case BTF_KIND_CONST:
    case BTF_KIND_VOLATILE:
    case BTF_KIND_RESTRICT:
    case BTF_KIND_TYPEDEF:
      return InC(types, type->type);
    case BTF_KIND_ENUM:
      return "int";
    case BTF_KIND_STRUCT:
      return std::string("struct ") + name;
    case BTF_KIND_UNION:
      return std::string("union ") + name;
    default:
      return name;
  }
}

/// The parameters of a prototype from `first` on.
Napi::Array ParametersOf(Napi::Env env, const btf* types, const btf_type* prototype,
                         uint16_t first) {
  const uint16_t count = btf_vlen(prototype);
  Napi::Array parameters = Napi::Array::New(env);
  for (uint16_t i = first; i < count; i++) {
    const std::string type = InC(types, btf_params(prototype)[i].type);
    parameters.Set(uint32_t{i} - first, Napi::String::New(env, type));
  }
  return parameters;
}

}  // namespace

// btfFunction(name: string): { parameters: string[], returns: string } | null
Napi::Value BtfFunction(const Napi::CallbackInfo& info) {
  const std::string name = info[0].As<Napi::String>();
  const btf* types = KernelTypes();
  const int id = types == nullptr ? -1 : btf__find_by_name_kind(types, name.c_str(), BTF_KIND_FUNC);
  if (id < 0) return info.Env().Null();
  const btf_type* prototype = btf__type_by_id(types, btf__type_by_id(types, id)->type);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("parameters", ParametersOf(info.Env(), types, prototype, 0));
  result.Set("returns", Napi::String::New(info.Env(), InC(types, prototype->type)));
  return result;
}

// btfTracepoint(event: string): string[] | null. The kernel has a type for what each calls, of which the
// first parameter is none of the event's own.
Napi::Value BtfTracepoint(const Napi::CallbackInfo& info) {
  const std::string name = "btf_trace_" + std::string(info[0].As<Napi::String>());
  const btf* types = KernelTypes();
  const int id =
      types == nullptr ? -1 : btf__find_by_name_kind(types, name.c_str(), BTF_KIND_TYPEDEF);
  if (id < 0) return info.Env().Null();
  const btf_type* pointer = btf__type_by_id(types, btf__type_by_id(types, id)->type);
  return ParametersOf(info.Env(), types, btf__type_by_id(types, pointer->type), 1);
}

}  // namespace guardbee
