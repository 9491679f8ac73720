#include "ring-buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#define _Static_assert static_assert
#include <linux/types.h>

#include "../../../bpf/types.h"

namespace guardbee {
namespace {

size_t PageSize() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

uint64_t Position(const void* page) {
  return __atomic_load_n(static_cast<const unsigned long*>(page), __ATOMIC_ACQUIRE);
}

const void* Behind(const void* bytes, size_t count) {
  return static_cast<const uint8_t*>(bytes) + count;
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

void RingBuffer::Unmap::operator()(const void* pages) const {
  munmap(const_cast<void*>(pages), 2 * PageSize());
}

int RingBuffer::Open(int map) {
  ring_.reset(ring_buffer__new(map, OnRecord, this, nullptr));
  if (!ring_) return errno;
  // libbpf before 1.3 does not tell positions. Each is a page of its own (kernel/bpf/ringbuf.c).
  const void* pages = mmap(nullptr, 2 * PageSize(), PROT_READ, MAP_SHARED, map, 0);
  if (pages == MAP_FAILED) return errno;
  positions_.reset(pages);
  return 0;
}

void RingBuffer::Read(Batch& batch, size_t limit) {
  if (batch.size() >= limit) return;
  batch_ = &batch;
  limit_ = limit;
  ring_buffer__consume(ring_.get());  // an error is the -ECANCELED of OnRecord
}

uint64_t RingBuffer::Produced() const { return Position(Behind(positions_.get(), PageSize())); }

uint64_t RingBuffer::Consumed() const { return Position(positions_.get()); }

int RingBuffer::PollFd() const { return ring_buffer__epoll_fd(ring_.get()); }

int RingBuffer::OnRecord(void* self, void* bytes, size_t size) noexcept {
  RingBuffer& ring = *static_cast<RingBuffer*>(self);
  const auto* record = static_cast<const uint8_t*>(bytes);
  event_header header{};
  if (size >= sizeof(header)) std::memcpy(&header, record, sizeof(header));
  // A program may have reserved more than it filled.
  const size_t used = header.size >= sizeof(header) && header.size <= size ? header.size : size;
  Batch& batch = *ring.batch_;
  batch.insert(batch.end(), record, record + used);
  batch.resize((batch.size() + 7) / 8 * 8);
  return batch.size() < ring.limit_ ? 0 : -ECANCELED;  // the record is read, the rest stays
}

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
