#include "ring.h"

#include <bpf/libbpf.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "constructors.h"
#include "error.h"
#include "fd.h"

#define _Static_assert static_assert
#include <linux/types.h>

#include "../../../bpf/types.h"

namespace guardbee {
namespace {

constexpr size_t kBatchBytes = 256 * 1024;
constexpr size_t kFirstBytes = 8 * 1024;
/// As many batches wait for JS; then the thread waits, the ring fills, and the kernel counts.
constexpr size_t kQueuedBatches = 64;
/// After a read the thread lets records come together for so long: waking JS, and the disk behind
/// it, costs more than a record does. The first record after a silence does not wait.
constexpr int kPauseMs = 10;
/// Whoever reads as much at once does not pause: the ring must not fill meanwhile.
constexpr size_t kBusyBytes = 64 * 1024;

using Batch = std::vector<uint8_t>;

struct FreeRing {
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

}  // namespace

/// One ring buffer and the thread that reads it. `self_` keeps it alive from Start until the
/// thread-safe function is gone: closed by JS, or with the environment.
class Ring : public std::enable_shared_from_this<Ring> {
 public:
  void Start(Napi::Env env, int map, Napi::Function on_records);
  /// JS thread: asks the thread to stop; `closed` resolves when all that it read was handed over.
  void Stop(napi_deferred closed);

 private:
  static void CallJs(Napi::Env env, Napi::Function on_records, Ring* ring, void*);
  using Function = Napi::TypedThreadSafeFunction<Ring, void, &Ring::CallJs>;

  static int OnRecord(void* ring, void* bytes, size_t size) noexcept;
  void Read() noexcept;
  void Append(const uint8_t* record, size_t size);
  void Flush();
  void Pause() const;
  Batch TakeBatch();
  void WakeToStop();
  void Finish(Napi::Env env);

  Fd wake_;
  std::unique_ptr<ring_buffer, FreeRing> ring_;
  Function function_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;

  std::mutex mutex_;
  std::deque<Batch> queue_;         // under mutex_; one call of function_ is under way for each
  std::condition_variable taken_;   // a batch was taken from queue_, or stopping_ is set

  Batch batch_;                     // the thread's
  size_t read_bytes_ = 0;           // the thread's: by the last read
  bool function_gone_ = false;      // the thread's: the environment is going away
  napi_deferred closed_ = nullptr;  // JS's
  std::shared_ptr<Ring> self_;      // JS's
};

void Ring::Start(Napi::Env env, int map, Napi::Function on_records) {
  constexpr char op[] = "open ring";
  const std::string subject = "fd " + std::to_string(map);
  std::string log;
  const LogCapture capture{log};
  wake_ = Fd{eventfd(0, EFD_CLOEXEC)};
  if (!wake_) Throw(env, {errno, op, subject});
  ring_.reset(ring_buffer__new(map, OnRecord, this, nullptr));
  if (!ring_) Throw(env, {errno, op, subject, {}, log});
  function_ = Function::New(
      env, on_records, "guardbee ring", 0, 1, this,
      [](Napi::Env env, Ring* ring, Ring*) { ring->Finish(env); }, this);
  self_ = shared_from_this();
  try {
    thread_ = std::thread(&Ring::Read, this);
  } catch (const std::system_error& error) {
    function_.Abort();
    Throw(env, {error.code().value(), op, subject, "no thread"});
  }
}

void Ring::Stop(napi_deferred closed) {
  closed_ = closed;
  WakeToStop();
}

void Ring::WakeToStop() {
  {
    const std::lock_guard lock{mutex_};  // or a thread about to wait might miss it
    stopping_ = true;
  }
  taken_.notify_one();
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_.Get(), &one, sizeof(one));
}

void Ring::Read() noexcept {
  pollfd ready[] = {{ring_buffer__epoll_fd(ring_.get()), POLLIN, 0}, {wake_.Get(), POLLIN, 0}};
  while (!stopping_ && !function_gone_) {
    if (poll(ready, 2, -1) < 0) continue;  // EINTR
    read_bytes_ = 0;
    ring_buffer__consume(ring_.get());
    Flush();
    if (read_bytes_ < kBusyBytes) Pause();
  }
  if (!function_gone_) function_.Release();
}

int Ring::OnRecord(void* ring, void* bytes, size_t size) noexcept {
  Ring& self = *static_cast<Ring*>(ring);
  self.read_bytes_ += size;
  self.Append(static_cast<const uint8_t*>(bytes), size);
  if (self.batch_.size() >= kBatchBytes) self.Flush();
  return self.stopping_ || self.function_gone_ ? -ECANCELED : 0;  // the rest stays in the ring
}

void Ring::Append(const uint8_t* record, size_t size) {
  event_header header{};
  if (size >= sizeof(header)) std::memcpy(&header, record, sizeof(header));
  // A program may have reserved more than it filled.
  const size_t used = header.size >= sizeof(header) && header.size <= size ? header.size : size;
  if (batch_.capacity() == 0) batch_.reserve(kFirstBytes);
  batch_.insert(batch_.end(), record, record + used);
  batch_.resize((batch_.size() + 7) / 8 * 8);
}

/// What JS has not taken yet grows up to kBatchBytes, so a busy JS is called less often.
void Ring::Flush() {
  if (batch_.empty() || function_gone_) return;
  std::unique_lock lock{mutex_};
  if (!queue_.empty() && queue_.back().size() + batch_.size() <= kBatchBytes) {
    queue_.back().insert(queue_.back().end(), batch_.begin(), batch_.end());
    batch_.clear();
    return;
  }
  taken_.wait(lock, [this] { return queue_.size() < kQueuedBatches || stopping_; });
  queue_.push_back(std::exchange(batch_, {}));
  lock.unlock();
  function_gone_ = function_.NonBlockingCall() == napi_closing;
}

/// Ends early when the thread is to stop.
void Ring::Pause() const {
  pollfd stop{wake_.Get(), POLLIN, 0};
  poll(&stop, 1, kPauseMs);
}

Batch Ring::TakeBatch() {
  const std::lock_guard lock{mutex_};
  Batch batch = std::move(queue_.front());
  queue_.pop_front();
  taken_.notify_one();
  return batch;
}

void Ring::CallJs(Napi::Env env, Napi::Function on_records, Ring* ring, void*) {
  if (env == nullptr) return;  // the environment is going away
  const Batch batch = ring->TakeBatch();
  // Not through Napi::Error: it aborts the process where a worker is being terminated.
  napi_value records;
  if (napi_create_buffer_copy(env, batch.size(), batch.data(), nullptr, &records) != napi_ok) return;
  if (napi_call_function(env, env.Undefined(), on_records, 1, &records, nullptr) ==
      napi_pending_exception) {
    napi_value exception;
    napi_get_and_clear_last_exception(env, &exception);
    napi_fatal_exception(env, exception);  // as if thrown from a timer
  }
}

/// The thread-safe function is gone, which is the last thing that the thread lets go of; or the
/// environment goes first, and then the thread has to stop before this returns.
void Ring::Finish(Napi::Env env) {
  WakeToStop();
  if (thread_.joinable()) thread_.join();
  ring_.reset();
  if (closed_ != nullptr) {
    napi_value undefined;
    napi_get_undefined(env, &undefined);
    napi_resolve_deferred(env, closed_, undefined);  // refused while the environment goes away
  }
  self_.reset();
}

Napi::Function RingReader::Define(Napi::Env env) {
  return DefineClass(env, "RingReader", {InstanceMethod<&RingReader::Close>("close")});
}

Napi::Value RingReader::Open(const Napi::CallbackInfo& info) {
  return info.Env().GetInstanceData<Constructors>()->ring.New({info[0], info[1]});
}

RingReader::RingReader(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<RingReader>(info), ring_(std::make_shared<Ring>()) {
  ring_->Start(info.Env(), info[0].As<Napi::Number>().Int32Value(), info[1].As<Napi::Function>());
}

// close(): Promise<void>
Napi::Value RingReader::Close(const Napi::CallbackInfo& info) {
  if (closed_.IsEmpty()) {
    napi_deferred deferred;
    napi_value promise;
    if (napi_create_promise(info.Env(), &deferred, &promise) != napi_ok) {
      throw Napi::Error::New(info.Env());
    }
    closed_ = Napi::Persistent(Napi::Object(info.Env(), promise));
    ring_->Stop(deferred);
    ring_.reset();
  }
  return closed_.Value();
}

}  // namespace guardbee
