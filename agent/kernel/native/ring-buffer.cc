#include "ring-buffer.h"

#include <bpf/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#define _Static_assert static_assert
#include <linux/types.h>

#include "../../../bpf/types.h"

namespace guardbee {
namespace {

/// To map pages takes time for each of them, which many records share.
constexpr size_t kWindowBytes = 256 * 1024;
/// How long it is waited where the kernel has no memory for pages.
constexpr std::chrono::milliseconds kNoMemory{10};

size_t PageSize() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

uint64_t Position(const Pages& page) {
  return __atomic_load_n(reinterpret_cast<const uint64_t*>(page.At(0)), __ATOMIC_ACQUIRE);
}

/// Appends what a program filled of a record: it may have reserved more.
void Append(Batch& batch, const uint8_t* record, size_t size) {
  event_header header{};
  if (size >= sizeof(header)) std::memcpy(&header, record, sizeof(header));
  const size_t used = header.size >= sizeof(header) && header.size <= size ? header.size : size;
  batch.insert(batch.end(), record, record + used);
  batch.resize((batch.size() + 7) / 8 * 8);
}

event_header HeaderAt(const Batch& batch, size_t at) {
  event_header header{};
  if (batch.size() - at >= sizeof(header)) std::memcpy(&header, batch.data() + at, sizeof(header));
  return header;
}

/// Offset of the record behind the one at `at`; the end when its size cannot be true.
size_t NextOf(const Batch& batch, size_t at) {
  const size_t size = HeaderAt(batch, at).size;
  const size_t left = batch.size() - at;
  return size < sizeof(event_header) || size > left ? batch.size() : at + (size + 7) / 8 * 8;
}

}  // namespace

Pages::~Pages() {
  if (size_ > 0) munmap(start_, size_);
}

int Pages::Map(int map, int protection, size_t offset, size_t size) {
  void* pages = mmap(nullptr, size, protection, MAP_SHARED, map, static_cast<off_t>(offset));
  if (pages == MAP_FAILED) return errno;
  if (size_ > 0) munmap(start_, size_);
  start_ = static_cast<uint8_t*>(pages);
  size_ = size;
  return 0;
}

int RingBuffer::Open(int map) {
  bpf_map_info info{};
  __u32 size = sizeof(info);
  if (bpf_obj_get_info_by_fd(map, &info, &size) < 0) return errno;
  if (info.type != BPF_MAP_TYPE_RINGBUF) return EINVAL;
  bytes_ = info.max_entries;
  map_ = Duplicate(map);
  if (!map_) return errno;
  const int error = consumed_.Map(map, PROT_READ | PROT_WRITE, 0, PageSize());
  return error != 0 ? error : produced_.Map(map, PROT_READ, PageSize(), PageSize());
}

void RingBuffer::Read(Batch& batch, size_t limit) {
  uint64_t position = Consumed();
  while (batch.size() < limit && position < Produced()) {
    const uint8_t* record = Reach(position, BPF_RINGBUF_HDR_SZ);
    if (record == nullptr) return;
    const auto* head = reinterpret_cast<const uint32_t*>(record);
    const uint32_t word = __atomic_load_n(head, __ATOMIC_ACQUIRE);
    if ((word & BPF_RINGBUF_BUSY_BIT) != 0) return;
    const size_t size = word & ~BPF_RINGBUF_DISCARD_BIT;
    if ((word & BPF_RINGBUF_DISCARD_BIT) == 0) {
      record = Reach(position, BPF_RINGBUF_HDR_SZ + size);
      if (record == nullptr) return;
      Append(batch, record + BPF_RINGBUF_HDR_SZ, size);
    }
    position += (BPF_RINGBUF_HDR_SZ + size + 7) / 8 * 8;
    __atomic_store_n(reinterpret_cast<uint64_t*>(consumed_.At(0)), position, __ATOMIC_RELEASE);
  }
}

const uint8_t* RingBuffer::Reach(uint64_t position, size_t bytes) {
  if (position < window_at_ || position + bytes > window_at_ + window_.Size()) {
    const size_t page = PageSize();
    const uint64_t start = position / page * page;
    const size_t needed = (position - start + bytes + page - 1) / page * page;
    // Behind the pages of positions the kernel has the records twice, one after the other.
    const size_t offset = 2 * page + (start & (bytes_ - 1));
    const size_t size = std::max(needed, std::min(kWindowBytes, bytes_));
    if (window_.Map(map_.Get(), PROT_READ, offset, size) != 0) {
      std::this_thread::sleep_for(kNoMemory);
      return nullptr;
    }
    window_at_ = start;
  }
  return window_.At(position - window_at_);
}

uint64_t RingBuffer::Produced() const { return Position(produced_); }

uint64_t RingBuffer::Consumed() const { return Position(consumed_); }

Batch Merge(const Batch& first, const Batch& second) {
  if (first.empty()) return second;
  if (second.empty()) return first;
  Batch merged;
  merged.reserve(first.size() + second.size());
  for (size_t i = 0, j = 0; i < first.size() || j < second.size();) {
    const bool take_first = j == second.size() || (i < first.size() &&
                            HeaderAt(first, i).ktime <= HeaderAt(second, j).ktime);
    const Batch& from = take_first ? first : second;
    size_t& at = take_first ? i : j;
    const size_t next = NextOf(from, at);
    merged.insert(merged.end(), from.begin() + static_cast<ptrdiff_t>(at),
                  from.begin() + static_cast<ptrdiff_t>(next));
    at = next;
  }
  return merged;
}

}  // namespace guardbee
