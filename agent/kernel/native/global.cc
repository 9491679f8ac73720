#include "global.h"

#include <bpf/btf.h>

#include <span>

namespace guardbee {
namespace {

const btf_var_secinfo* FindVariable(const btf* types, const btf_type* section,
                                    std::string_view name) {
  for (const btf_var_secinfo& variable : std::span{btf_var_secinfos(section), btf_vlen(section)}) {
    const btf_type* type = btf__type_by_id(types, variable.type);
    if (btf_is_var(type) && name == btf__name_by_offset(types, type->name_off)) return &variable;
  }
  return nullptr;
}

}  // namespace

std::span<uint8_t> FindGlobal(const bpf_object* object, std::string_view name) {
  const btf* types = bpf_object__btf(object);
  const uint32_t count = types == nullptr ? 0 : btf__type_cnt(types);
  for (uint32_t id = 1; id < count; id++) {
    const btf_type* section = btf__type_by_id(types, id);
    if (!btf_is_datasec(section)) continue;
    const char* map_name = btf__name_by_offset(types, section->name_off);
    if (std::string_view{map_name} == ".kconfig") continue;  // the running kernel's, not ours
    bpf_map* map = bpf_object__find_map_by_name(object, map_name);
    if (map == nullptr) continue;  // ".maps" and the like
    const btf_var_secinfo* variable = FindVariable(types, section, name);
    if (variable == nullptr) continue;
    size_t size = 0;
    // libbpf says const, but until load this is what bpf_map__set_initial_value writes to as well.
    auto* bytes =
        static_cast<uint8_t*>(const_cast<void*>(bpf_map__initial_value(map, &size)));
    if (bytes == nullptr || variable->offset + size_t{variable->size} > size) return {};
    return {bytes + variable->offset, variable->size};
  }
  return {};
}

}  // namespace guardbee
