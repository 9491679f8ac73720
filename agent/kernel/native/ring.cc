#include "ring.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "constructors.h"
#include "error.h"
#include "fd.h"
#include "ring-buffer.h"

namespace guardbee {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// What JS works on in one turn of its event loop, in records of the second ring, and of the first.
/// Between two turns the file is written; of a batch that takes long, nothing is in it until the end.
constexpr size_t kBatchBytes = 16 * 1024;
/// As much waits for JS; then the thread waits, the rings fill, and the kernel counts.
constexpr size_t kQueueBytes = 8 * 1024 * 1024;
/// After a read the thread lets records come together for so long: waking JS, and the disk behind
/// it, costs more than a record does. The first record after a silence does not wait.
constexpr milliseconds kPause{10};
/// Whoever reads as much at once does not pause: the ring must not fill meanwhile.
constexpr size_t kBusyBytes = kBatchBytes;
/// How long a record that a processor is still writing is waited for before it is looked at again.
constexpr milliseconds kWriting{1};

/// A deferred and its promise.
std::pair<napi_deferred, napi_value> Defer(Napi::Env env) {
  napi_deferred deferred;
  napi_value promise;
  if (napi_create_promise(env, &deferred, &promise) != napi_ok) throw Napi::Error::New(env);
  return {deferred, promise};
}

}  // namespace

/// The rings and the thread that reads them into a queue, of which JS asks for one batch at a time:
/// between two of them it gets on with other work.
/// `self_` keeps it alive from Start until the thread-safe function is gone: closed by JS, or with
/// the environment.
class Rings : public std::enable_shared_from_this<Rings> {
 public:
  void Start(Napi::Env env, int first, std::optional<int> second);
  /// JS thread: `batch` resolves with the next one, or with undefined at the end.
  void Read(Napi::Env env, napi_deferred batch);
  /// JS thread: what is in the rings now is the last that is read.
  void End();
  /// JS thread: asks the thread to stop; `closed` resolves when it has.
  void Close(napi_deferred closed);

 private:
  static void CallJs(Napi::Env env, Napi::Function, Rings* rings, void*);
  using Function = Napi::TypedThreadSafeFunction<Rings, void, &Rings::CallJs>;

  void Run() noexcept;
  bool Enqueue(std::optional<Batch> batch);
  std::optional<Batch> Collect();
  std::optional<Batch> TryCollect();
  bool IsAtEnd();
  void AwaitRecords() const;
  void Sleep(milliseconds time) const;
  void Wake() const;
  void WakeToStop();
  void Finish(Napi::Env env);

  Fd wake_;  // readable once stopping_ or ending_ is set
  RingBuffer first_;
  std::optional<RingBuffer> second_;
  Function function_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> ending_ = false;

  std::mutex mutex_;
  std::condition_variable taken_;  // a batch was taken from queue_, or stopping_ is set
  std::deque<Batch> queue_;        // under mutex_
  size_t queued_bytes_ = 0;        // under mutex_
  bool ended_ = false;             // under mutex_: nothing will be added to queue_
  bool asked_ = false;             // under mutex_: JS waits, and function_ was not called for it

  Batch held_;                    // the thread's: of the second ring, until the first one is at target_
  uint64_t target_ = 0;           // the thread's
  bool has_ends_ = false;         // the thread's: the two below are set
  uint64_t first_end_ = 0, second_end_ = 0;  // the thread's: where the last records end
  steady_clock::time_point next_;  // the thread's: not before this it reads again

  napi_deferred read_ = nullptr;    // JS's
  napi_deferred closed_ = nullptr;  // JS's
  std::shared_ptr<Rings> self_;     // JS's
};

void Rings::Start(Napi::Env env, int first, std::optional<int> second) {
  constexpr char op[] = "open ring";
  const std::string subject = "fd " + std::to_string(first);
  std::string log;
  const LogCapture capture{log};
  wake_ = Fd{eventfd(0, EFD_CLOEXEC)};
  if (!wake_) Throw(env, {errno, op, subject});
  if (const int error = first_.Open(first)) Throw(env, {error, op, subject, {}, log});
  if (second) {
    const std::string other = "fd " + std::to_string(*second);
    if (const int error = second_.emplace().Open(*second)) Throw(env, {error, op, other, {}, log});
  }
  function_ = Function::New(
      env, Napi::Function{}, "guardbee rings", 0, 1, this,
      [](Napi::Env env, Rings* rings, Rings*) { rings->Finish(env); }, this);
  self_ = shared_from_this();
  try {
    thread_ = std::thread(&Rings::Run, this);
  } catch (const std::system_error& error) {
    function_.Abort();
    Throw(env, {error.code().value(), op, subject, "no thread"});
  }
}

void Rings::Read(Napi::Env env, napi_deferred batch) {
  if (read_ != nullptr) {
    throw Napi::Error::New(env, "a read is under way");  // native.ts: one at a time
  }
  read_ = batch;
  const std::lock_guard lock{mutex_};
  asked_ = queue_.empty() && !ended_;
  // CallJs alone resolves. Node calls it up to 1,000 times in one turn of the event loop.
  if (!asked_) function_.NonBlockingCall();
}

void Rings::End() {
  ending_ = true;
  Wake();
}

void Rings::Close(napi_deferred closed) {
  closed_ = closed;
  WakeToStop();
}

void Rings::Wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_.Get(), &one, sizeof(one));
}

void Rings::WakeToStop() {
  {
    const std::lock_guard lock{mutex_};  // or a thread about to wait might miss it
    stopping_ = true;
  }
  taken_.notify_one();
  Wake();
}

void Rings::Run() noexcept {
  while (Enqueue(Collect()));
}

/// Gives `batch` to JS, or nothing for the end; false when the thread is to end.
bool Rings::Enqueue(std::optional<Batch> batch) {
  std::unique_lock lock{mutex_};
  taken_.wait(lock, [this] { return queued_bytes_ < kQueueBytes || stopping_; });
  ended_ = !batch;
  if (batch) {
    queued_bytes_ += batch->size();
    // What JS is late to take grows up to kBatchBytes, so that a busy JS is called less often.
    if (!queue_.empty() && queue_.back().size() + batch->size() <= kBatchBytes) {
      queue_.back().insert(queue_.back().end(), batch->begin(), batch->end());
    } else {
      queue_.push_back(*std::move(batch));
    }
  }
  const bool call = std::exchange(asked_, false);
  const bool gone = call && function_.NonBlockingCall() == napi_closing;
  if (gone) return false;
  taken_.wait(lock, [this] { return !ended_ || stopping_; });
  if (!stopping_) return true;
  lock.unlock();
  function_.Release();
  return false;
}

/// The next batch as soon as there is one; nothing at the end.
std::optional<Batch> Rings::Collect() {
  if (const auto now = steady_clock::now(); now < next_) {
    Sleep(std::chrono::ceil<milliseconds>(next_ - now));
  }
  while (!stopping_ && !IsAtEnd()) {
    std::optional<Batch> batch = TryCollect();
    if (!batch) {
      Sleep(kWriting);
      continue;
    }
    if (!batch->empty()) {
      next_ = steady_clock::now() + (batch->size() < kBusyBytes ? kPause : milliseconds{0});
      return batch;
    }
    if (ending_) Sleep(kWriting);
    else AwaitRecords();
  }
  return std::nullopt;
}

/// What there is now. A record of the second ring comes after all that the first one had by the
/// time the second was read; nothing, while one of these is still being written.
std::optional<Batch> Rings::TryCollect() {
  if (held_.empty()) {
    if (second_) second_->Read(held_, kBatchBytes);
    target_ = first_.Produced();
  }
  Batch batch;
  first_.Read(batch, kBatchBytes);
  if (first_.Consumed() >= target_) return Merge(batch, std::exchange(held_, {}));
  if (batch.empty()) return std::nullopt;
  return batch;
}

/// Whether all was read that was in the rings when JS asked for the end.
bool Rings::IsAtEnd() {
  if (!ending_) return false;
  if (!has_ends_) {
    has_ends_ = true;
    first_end_ = first_.Produced();
    second_end_ = second_ ? second_->Produced() : 0;
  }
  return held_.empty() && first_.Consumed() >= first_end_ &&
         (!second_ || second_->Consumed() >= second_end_);
}

void Rings::AwaitRecords() const {
  pollfd ready[] = {{wake_.Get(), POLLIN, 0},
                    {first_.PollFd(), POLLIN, 0},
                    {second_ ? second_->PollFd() : -1, POLLIN, 0}};
  if (poll(ready, 3, -1) < 0 && errno != EINTR) std::this_thread::sleep_for(kPause);
}

/// Ends early when the thread is to stop, or to end.
void Rings::Sleep(milliseconds time) const {
  if (ending_) {  // wake_ stays readable
    std::this_thread::sleep_for(kWriting);
    return;
  }
  pollfd wake{wake_.Get(), POLLIN, 0};
  poll(&wake, 1, static_cast<int>(time.count()));
}

void Rings::CallJs(Napi::Env env, Napi::Function, Rings* rings, void*) {
  if (env == nullptr) return;  // the environment is going away
  std::optional<Batch> batch;
  {
    const std::lock_guard lock{rings->mutex_};
    if (!rings->queue_.empty()) {
      batch = std::move(rings->queue_.front());
      rings->queue_.pop_front();
      rings->queued_bytes_ -= batch->size();
    }
  }
  rings->taken_.notify_one();
  // Not through Napi::Error: it aborts the process where a worker is being terminated.
  napi_value value;
  const napi_status status =
      batch ? napi_create_buffer_copy(env, batch->size(), batch->data(), nullptr, &value)
            : napi_get_undefined(env, &value);
  if (status != napi_ok) return;
  napi_resolve_deferred(env, std::exchange(rings->read_, nullptr), value);
}

/// The thread-safe function is gone, which is the last thing that the thread lets go of; or the
/// environment goes first, and then the thread has to stop before this returns.
void Rings::Finish(Napi::Env env) {
  WakeToStop();
  if (thread_.joinable()) thread_.join();
  napi_value undefined;
  napi_get_undefined(env, &undefined);
  for (napi_deferred* deferred : {&read_, &closed_}) {
    if (*deferred == nullptr) continue;
    napi_resolve_deferred(env, *deferred, undefined);  // refused while the environment goes away
    *deferred = nullptr;
  }
  self_.reset();
}

Napi::Function RingReader::Define(Napi::Env env) {
  return DefineClass(env, "RingReader",
                     {InstanceMethod<&RingReader::Read>("read"),
                      InstanceMethod<&RingReader::End>("end"),
                      InstanceMethod<&RingReader::Close>("close")});
}

Napi::Value RingReader::Open(const Napi::CallbackInfo& info) {
  return info.Env().GetInstanceData<Constructors>()->ring.New({info[0], info[1]});
}

RingReader::RingReader(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<RingReader>(info), rings_(std::make_shared<Rings>()) {
  std::optional<int> second;
  if (info[1].IsNumber()) second = info[1].As<Napi::Number>().Int32Value();
  rings_->Start(info.Env(), info[0].As<Napi::Number>().Int32Value(), second);
}

// read(): Promise<Buffer | undefined>
Napi::Value RingReader::Read(const Napi::CallbackInfo& info) {
  const auto [deferred, promise] = Defer(info.Env());
  if (rings_ == nullptr) {
    napi_resolve_deferred(info.Env(), deferred, info.Env().Undefined());
  } else {
    rings_->Read(info.Env(), deferred);
  }
  return Napi::Value(info.Env(), promise);
}

// end(): void
void RingReader::End(const Napi::CallbackInfo&) {
  if (rings_ != nullptr) rings_->End();
}

// close(): Promise<void>
Napi::Value RingReader::Close(const Napi::CallbackInfo& info) {
  if (closed_.IsEmpty()) {
    const auto [deferred, promise] = Defer(info.Env());
    closed_ = Napi::Persistent(Napi::Object(info.Env(), promise));
    rings_->Close(deferred);
    rings_.reset();
  }
  return closed_.Value();
}

}  // namespace guardbee
