#include <bpf/bpf.h>
#include <bpf/btf.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "error.h"
#include "maps.h"

namespace guardbee {
namespace {

constexpr std::pair<std::string_view, bpf_map_type> kTypes[] = {
    {"array", BPF_MAP_TYPE_ARRAY},
    {"hash", BPF_MAP_TYPE_HASH},
    {"percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY},
    {"lpm_trie", BPF_MAP_TYPE_LPM_TRIE},
    {"array_of_maps", BPF_MAP_TYPE_ARRAY_OF_MAPS},
    {"task_storage", BPF_MAP_TYPE_TASK_STORAGE},
    {"ringbuf", BPF_MAP_TYPE_RINGBUF},
};

std::optional<bpf_map_type> TypeOf(std::string_view name) {
  for (const auto& [known, type] : kTypes) {
    if (name == known) return type;
  }
  return std::nullopt;
}

struct FreeBtf {
  void operator()(btf* types) const { btf__free(types); }
};

/// Local storage insists on types: an int for the key, here bytes for the value.
std::unique_ptr<btf, FreeBtf> StorageTypes(uint32_t value_size, bpf_map_create_opts& options) {
  std::unique_ptr<btf, FreeBtf> types{btf__new_empty()};
  if (!types) return nullptr;
  const int key = btf__add_int(types.get(), "int", 4, BTF_INT_SIGNED);
  const int byte = btf__add_int(types.get(), "byte", 1, 0);
  const int value = btf__add_array(types.get(), key, byte, static_cast<int>(value_size));
  if (key < 0 || byte < 0 || value < 0 || btf__load_into_kernel(types.get()) < 0) return nullptr;
  options.btf_fd = btf__fd(types.get());
  options.btf_key_type_id = key;
  options.btf_value_type_id = value;
  return types;
}

}  // namespace

Napi::Value CreateMap(const Napi::CallbackInfo& info) {
  constexpr char op[] = "create map";
  const auto spec = info[0].As<Napi::Object>();
  const std::string name = spec.Get("name").As<Napi::String>();
  const std::string type_name = spec.Get("type").As<Napi::String>();
  const auto number = [&](const char* property) {
    return spec.Get(property).As<Napi::Number>().Uint32Value();
  };
  const uint32_t value_size = number("valueSize");
  const auto type = TypeOf(type_name);
  if (!type) Throw(info.Env(), {EINVAL, op, name, "unknown type " + type_name});

  bpf_map_create_opts options{};
  options.sz = sizeof(options);
  if (spec.Get("flags").IsNumber()) options.map_flags = number("flags");
  if (spec.Get("innerMapFd").IsNumber()) options.inner_map_fd = number("innerMapFd");
  std::string log;
  const LogCapture capture{log};
  std::unique_ptr<btf, FreeBtf> types;  // the kernel's copy lives as long as this or the map
  if (*type == BPF_MAP_TYPE_TASK_STORAGE) {
    types = StorageTypes(value_size, options);
    if (!types) Throw(info.Env(), {errno, op, name, "its types", log});
  }
  const int fd = bpf_map_create(*type, name.c_str(), number("keySize"), value_size,
                                number("maxEntries"), &options);
  if (fd < 0) Throw(info.Env(), {errno, op, name, {}, log});
  return Napi::Number::New(info.Env(), fd);
}

}  // namespace guardbee
