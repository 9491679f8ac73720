#include <bpf/bpf.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <string>

#include "link.h"

// Not libbpf's attach: its link switches the perf event off when it is destroyed, also where a pin
// should keep it, and never lets go of the event's descriptor. The kernel's link holds the event, so
// here the link's descriptor is all that is kept.

namespace guardbee {
namespace {

constexpr char kKprobeUnit[] = "/sys/bus/event_source/devices/kprobe/";

/// The number in one of the unit's files, after `prefix`.
std::optional<uint32_t> ReadNumber(const std::string& file, const std::string& prefix) {
  std::ifstream in{kKprobeUnit + file};
  std::string text;
  if (!std::getline(in, text) || !text.starts_with(prefix)) return std::nullopt;
  return static_cast<uint32_t>(std::strtoul(text.c_str() + prefix.size(), nullptr, 10));
}

}  // namespace

Fd AttachKprobe(int program, const std::string& function, bool at_return) {
  const auto type = ReadNumber("type", "");
  const auto return_bit = ReadNumber("format/retprobe", "config:");
  if (!type || !return_bit) {
    errno = EOPNOTSUPP;  // a kernel without kprobes
    return Fd{};
  }
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = *type;
  attributes.config = at_return ? 1ull << *return_bit : 0;
  attributes.kprobe_func = reinterpret_cast<uint64_t>(function.c_str());
  // Any process, CPU 0: a probe's program runs on every CPU all the same.
  const Fd event{static_cast<int>(
      syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC))};
  if (!event) return Fd{};
  Fd link{bpf_link_create(program, event.Get(), BPF_PERF_EVENT, nullptr)};
  if (link && ioctl(event.Get(), PERF_EVENT_IOC_ENABLE, 0) < 0) return Fd{};
  return link;
}

}  // namespace guardbee
