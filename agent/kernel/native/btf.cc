#include "btf.h"

#include <bpf/btf.h>

#include <memory>
#include <string>

namespace guardbee {
namespace {

struct FreeBtf {
  void operator()(btf* types) const { btf__free(types); }
};

/// The running kernel's types, read once; null when it has none.
const btf* KernelTypes() {
  static const std::unique_ptr<btf, FreeBtf> types{btf__load_vmlinux_btf()};
  return types.get();
}

}  // namespace

Napi::Value BtfFunction(const Napi::CallbackInfo& info) {
  const std::string name = info[0].As<Napi::String>();
  const btf* types = KernelTypes();
  const int id = types == nullptr ? -1 : btf__find_by_name_kind(types, name.c_str(), BTF_KIND_FUNC);
  if (id < 0) return info.Env().Null();
  const btf_type* prototype = btf__type_by_id(types, btf__type_by_id(types, id)->type);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("parameters", Napi::Number::New(info.Env(), btf_vlen(prototype)));
  return result;
}

}  // namespace guardbee
