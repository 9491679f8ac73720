#pragma once
#include <bpf/libbpf.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace guardbee {

/// Whole records one after the other, each padded to a multiple of 8.
using Batch = std::vector<uint8_t>;

/// One BPF ring buffer, read by one thread.
class RingBuffer {
 public:
  /// errno of what failed, or 0.
  int Open(int map);
  /// Appends records until there is no further one, or `batch` has `limit` bytes.
  void Read(Batch& batch, size_t limit);
  /// How many bytes were ever written, those of records that are still being written included.
  uint64_t Produced() const;
  /// How many of these were read.
  uint64_t Consumed() const;
  /// Readable while it may hold records.
  int PollFd() const;

 private:
  struct Free {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
  };
  struct Unmap {
    void operator()(const void* pages) const;
  };

  static int OnRecord(void* self, void* bytes, size_t size) noexcept;

  std::unique_ptr<ring_buffer, Free> ring_;
  std::unique_ptr<const void, Unmap> positions_;  // two pages: the reader's, and the kernel's
  Batch* batch_ = nullptr;  // during Read
  size_t limit_ = 0;        // during Read
};

/// The records of both in the order of their ktime; those of one batch keep their order.
Batch Merge(const Batch& first, const Batch& second);

}  // namespace guardbee
