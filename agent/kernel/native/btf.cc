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

}  // namespace

// btfFunction(name: string): { parameters: string[], returns: string } | null
Napi::Value BtfFunction(const Napi::CallbackInfo& info) {
  const std::string name = info[0].As<Napi::String>();
  const btf* types = KernelTypes();
  const int id = types == nullptr ? -1 : btf__find_by_name_kind(types, name.c_str(), BTF_KIND_FUNC);
  if (id < 0) return info.Env().Null();
  const btf_type* prototype = btf__type_by_id(types, btf__type_by_id(types, id)->type);
  const uint16_t count = btf_vlen(prototype);
  Napi::Array parameters = Napi::Array::New(info.Env(), count);
  for (uint16_t i = 0; i < count; i++) {
    parameters.Set(i, Napi::String::New(info.Env(), InC(types, btf_params(prototype)[i].type)));
  }
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("parameters", parameters);
  result.Set("returns", Napi::String::New(info.Env(), InC(types, prototype->type)));
  return result;
}

}  // namespace guardbee
