#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fd.h"

namespace guardbee {

/// Whole records one after the other, each padded to a multiple of 8.
using Batch = std::vector<uint8_t>;

/// Pages of a map in memory.
class Pages {
 public:
  Pages() = default;
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages();

  /// In place of what it had: `size` bytes from `offset` on. errno, or 0.
  int Map(int map, int protection, size_t offset, size_t size);
  uint8_t* At(size_t offset) const { return start_ + offset; }
  size_t Size() const { return size_; }

 private:
  uint8_t* start_ = nullptr;
  size_t size_ = 0;
};

/// One BPF ring buffer, read by one thread. libbpf maps all of it, twice over, which the kernel
/// counts as memory of this process: 16 MB for two of 4 MiB. Here a window goes along with what is
/// read.
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
  int PollFd() const { return map_.Get(); }

 private:
  /// Where so many bytes from a position on are in memory; null where the kernel cannot map them.
  const uint8_t* Reach(uint64_t position, size_t bytes);

  Fd map_;
  size_t bytes_ = 0;        // a power of two: position + bytes_ is in the same place
  Pages consumed_;          // a page: the position up to which was read, which the kernel looks at
  Pages produced_;          // a page: the position up to which was written
  Pages window_;            // some of the records
  uint64_t window_at_ = 0;  // the position that it starts with
};

/// The records of both in the order of their ktime; those of one batch keep their order.
Batch Merge(const Batch& first, const Batch& second);

}  // namespace guardbee
