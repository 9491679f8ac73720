#include "kernel-types.h"

#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "fd.h"

namespace guardbee {
namespace {

struct FreeBtf {
  void operator()(btf* types) const { btf__free(types); }
};
using Btf = std::unique_ptr<btf, FreeBtf>;
using Names = std::unordered_set<std::string_view>;

/// Types are known by that to CO-RE: `file___old` is a `file`.
std::string_view EssentialName(const btf* types, const btf_type* type) {
  const std::string_view name = btf__name_by_offset(types, type->name_off);
  return name.substr(0, name.rfind("___"));
}

/// Whether values of that kind have a layout of their own.
bool HasLayout(const btf_type* type) {
  return btf_is_composite(type) || btf_is_any_enum(type);
}

Names NamesIn(const btf* types) {
  Names names;
  for (uint32_t id = 1; id < btf__type_cnt(types); id++) {
    const btf_type* type = btf__type_by_id(types, id);
    if (HasLayout(type)) names.insert(EssentialName(types, type));
  }
  names.erase("");
  return names;
}

/// Copies types with all that their values consist of. What pointers point to is left out.
class Copier {
 public:
  Copier(const btf* from, btf* to) : from_(from), to_(to) {}

  /// The copy's id, or a negative errno.
  int Copy(uint32_t id) {
    if (id == 0) return 0;
    const auto found = copies_.find(id);
    if (found != copies_.end()) return found->second;
    const int copy = Add(btf__type_by_id(from_, id));
    if (copy > 0) copies_.emplace(id, copy);
    return copy;
  }

 private:
  int Add(const btf_type* type) {
    const char* name = btf__name_by_offset(from_, type->name_off);
    switch (btf_kind(type)) {
      case BTF_KIND_STRUCT:
      case BTF_KIND_UNION:
        return AddComposite(type, name);
      case BTF_KIND_ARRAY:
        return AddArray(btf_array(type));
      case BTF_KIND_PTR:
        return btf__add_ptr(to_, 0);
      case BTF_KIND_TYPEDEF:
      case BTF_KIND_CONST:
      case BTF_KIND_VOLATILE:
      case BTF_KIND_RESTRICT:
      case BTF_KIND_TYPE_TAG:
        return Copy(type->type);  // the same layout under another name
      default:
        return btf__add_type(to_, from_, type);
    }
  }

  int AddComposite(const btf_type* type, const char* name) {
    const uint16_t count = btf_vlen(type);
    const btf_member* members = btf_members(type);
    for (uint16_t i = 0; i < count; i++) {
      const int member = Copy(members[i].type);
      if (member < 0) return member;
    }
    const int id = btf_is_struct(type) ? btf__add_struct(to_, name, type->size)
                                       : btf__add_union(to_, name, type->size);
    for (uint16_t i = 0; id > 0 && i < count; i++) {
      const char* member = btf__name_by_offset(from_, members[i].name_off);
      const int error =
          btf__add_field(to_, member, Copy(members[i].type), btf_member_bit_offset(type, i),
                         btf_member_bitfield_size(type, i));
      if (error < 0) return error;
    }
    return id;
  }

  int AddArray(const struct btf_array* array) {
    const int index = Copy(array->index_type);
    const int element = Copy(array->type);
    return index < 0 || element < 0 ? -1 : btf__add_array(to_, index, element, array->nelems);
  }

  const btf* from_;
  btf* to_;
  std::unordered_map<uint32_t, int> copies_;
};

/// Those of `from` that have one of `names`; null where they cannot be copied.
Btf Select(const btf* from, const Names& names) {
  Btf to{btf__new_empty()};
  if (!to) return to;
  Copier copier{from, to.get()};
  for (uint32_t id = 1; id < btf__type_cnt(from); id++) {
    const btf_type* type = btf__type_by_id(from, id);
    if (!HasLayout(type) || !names.contains(EssentialName(from, type))) continue;
    if (copier.Copy(id) < 0) return nullptr;
  }
  return to;
}

/// A file without a name that has them; empty where there is no memory.
Fd InFile(const btf* types) {
  uint32_t size;
  const void* bytes = btf__raw_data(types, &size);
  Fd file{memfd_create("kernel-types", MFD_CLOEXEC)};
  if (bytes == nullptr || !file || write(file.Get(), bytes, size) != static_cast<ssize_t>(size)) {
    return Fd{};
  }
  return file;
}

}  // namespace

const btf* KernelTypes() {
  static const Btf types{btf__load_vmlinux_btf()};
  return types.get();
}

std::string KernelTypesFor(const std::string& path) {
  static std::unordered_map<std::string, Fd> files;
  auto found = files.find(path);
  if (found == files.end()) {
    const Btf own{btf__parse(path.c_str(), nullptr)};
    if (!own || KernelTypes() == nullptr) return {};
    const Btf selected = Select(KernelTypes(), NamesIn(own.get()));
    if (!selected) return {};
    found = files.emplace(path, InFile(selected.get())).first;
  }
  return found->second ? "/proc/self/fd/" + std::to_string(found->second.Get()) : "";
}

}  // namespace guardbee
