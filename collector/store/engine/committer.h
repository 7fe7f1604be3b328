// The log thread: takes batches, writes what has gathered as one commit with one sync, applies them
// to the head in order, then reports each as durable.
//
// A batch that a writer sent before is reported durable and not written. When a numbered batch
// could not be written, later ones of its writer are refused until it comes again, so that the
// writer's sequence never has a hole that looks durable. After a failed sync the log goes on in a
// new segment (log/writer.h).
//
// Until StartApplying the head is still being filled with what the log had before: batches are
// committed and reported, and applied then; so many as the queue has room for.
//
// Writers that are faster than flushes would fill the memory: while a flush runs, commits may be
// held as long as the head has too many bytes of samples (HoldAbove). So batches stay in the queue,
// and who waits for what is durable waits longer, but for a bounded time; no thread waits, and what
// the flush asks of the log thread is done meanwhile.
//
// A series may be released between the check of a batch and its commit; such a batch is refused
// with UNAVAILABLE, to come again with its definitions.
//
// A shard's checkpoint is the segment from which on the log has all that windows do not have of it.
//
// Threading: every method from any thread; `durable` callbacks run on the log thread and
// must neither block nor call the store. Ownership: the head, writers and metrics outlive it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

#include "collector/store/engine/metrics.h"
#include "collector/store/engine/writers.h"
#include "collector/store/head/head.h"
#include "collector/store/log/writer.h"
#include "collector/store/store.h"
#include "common/mutex.h"

namespace leadline::collector::store::engine {

struct PendingBatch {
  std::string tenant;
  WriteBatch batch;
  std::string record;     // the batch, encoded
  absl::Status rejected;  // not OK: only to be reported
  uint64_t releases = 0;  // of the head, when the handles were checked
  Store::Durable durable;
};

// UNAVAILABLE: that of a series that the head forgot.
absl::Status ReleasedError(SeriesHandle handle);

class Committer {
 public:
  struct Options {
    uint64_t segment_bytes = 0;
    uint64_t queue_bytes = 0;
    uint64_t recovered_bytes = 0;         // of the log
    std::vector<uint64_t> flushed_bytes;  // of those, by shard of the head, what windows have of it
    uint64_t max_unflushed_bytes = 0;     // of the log, in no window: above, nothing is taken
    uint64_t max_definition_bytes = 0;    // of the head
    std::function<int64_t()> oldest_ms;   // samples before are dropped
    std::function<int64_t()> now_ms;
    std::function<absl::Status()> check_disk;  // not OK: nothing is taken
    std::function<void()> applied;             // told when the head has more than before
  };

  Committer(std::unique_ptr<log::Writer> writer, head::Head& head, Writers& writers,
            Metrics& metrics, Options options);
  // Writes what is queued.
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // Waits while the queue is full.
  void Submit(PendingBatch batch) ABSL_LOCKS_EXCLUDED(mutex_);

  // The head holds all that the log had before: applies what was committed since, and all that
  // comes.
  void StartApplying() ABSL_LOCKS_EXCLUDED(mutex_);

  struct Mark {
    uint64_t segment = 0;
    uint64_t log_bytes = 0;  // written up to it
  };
  // Begins a segment with what is needed to recover the shards without the ones before, once what
  // the head holds of them now is in windows, and freezes them. Before that they forget the series
  // that ended long ago.
  absl::StatusOr<Mark> Checkpoint(absl::Span<const size_t> shards) ABSL_LOCKS_EXCLUDED(mutex_);
  // What was frozen at the mark is in windows.
  void Flushed(absl::Span<const size_t> shards, const Mark& mark) ABSL_LOCKS_EXCLUDED(mutex_);

  // Holds commits while the head has so many bytes of samples, until GoOn, or `at_most` has passed.
  void HoldAbove(uint64_t sample_bytes, absl::Duration at_most) ABSL_LOCKS_EXCLUDED(mutex_);
  // To be called when the flush is over, however it went.
  void GoOn() ABSL_LOCKS_EXCLUDED(mutex_);

  // Begins a segment if the log is broken, so that it is well before it is needed. True when that
  // has made it well.
  bool Heal() ABSL_LOCKS_EXCLUDED(mutex_);

  // The newest that was begun.
  uint64_t segment() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Bytes of the log so far, with those that were recovered.
  uint64_t log_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Of those, the ones behind the oldest mark that was flushed.
  uint64_t unflushed_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Why nothing is taken now, or why the last commit of the log failed.
  absl::Status health() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using WriterKey = std::pair<std::string, WriterId>;
  using Group = std::vector<PendingBatch>;
  using SteadyTime = std::chrono::steady_clock::time_point;

  // Something else for the log thread to do, between two groups.
  struct Request {
    std::function<void()> work;
    bool done = false;
  };

  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Has it done and waits for it.
  void RunBetweenGroups(std::function<void()> work) ABSL_LOCKS_EXCLUDED(mutex_);
  // Until there is a request, a batch that is not held, or it is to stop.
  void WaitForWork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return queued_bytes_ < options_.queue_bytes;
  }
  Group TakeGroup() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // What becomes of a batch of a group.
  enum class Verdict : uint8_t { kWrite, kRepeat, kRefuse };
  Verdict Judge(const PendingBatch& batch, absl::flat_hash_map<WriterKey, uint64_t>& in_group,
                absl::Status& refusal);
  absl::Status CheckHandles(const PendingBatch& batch) const;
  absl::Status CheckRoom() const;
  void CommitGroup(Group group);
  void DescribeSeries(const PendingBatch& batch, std::vector<SeriesHandle>& described,
                      std::string& payload);
  void ForgetDescribed(absl::Span<const SeriesHandle> handles);
  void ApplyOrDefer(PendingBatch& batch);
  void Apply(const PendingBatch& batch);
  absl::Status Commit(const std::string& payload);
  absl::Status BeginSegment();
  absl::StatusOr<Mark> WriteCheckpoint(absl::Span<const size_t> shards);
  absl::Status WriteLiveEntities(size_t shard);

  const std::unique_ptr<log::Writer> writer_;
  head::Head& head_;
  Writers& writers_;
  Metrics& metrics_;
  const Options options_;

  mutable Mutex mutex_;
  CondVar work_;     // there is something for the log thread
  CondVar changed_;  // there is room in the queue, or a request was done
  std::deque<PendingBatch> queue_ ABSL_GUARDED_BY(mutex_);
  uint64_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t log_bytes_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> flushed_bytes_ ABSL_GUARDED_BY(mutex_);  // by shard, of its last mark
  uint64_t segment_ ABSL_GUARDED_BY(mutex_);                     // the writer's
  absl::Status health_ ABSL_GUARDED_BY(mutex_);
  Request* request_ ABSL_GUARDED_BY(mutex_) = nullptr;
  uint64_t held_above_ ABSL_GUARDED_BY(mutex_) = 0;  // bytes of samples
  SteadyTime held_until_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  // Of the log thread.
  bool applying_ = false;
  std::vector<PendingBatch> deferred_;  // committed, to be applied
  uint64_t deferred_bytes_ = 0;         // of the queue's
  // By shard and slot: series that the log defines from the shard's checkpoint on.
  std::vector<std::vector<bool>> described_;
  absl::flat_hash_map<WriterKey, uint64_t> failed_from_;  // sequences that could not be written

  std::thread thread_;
};

}  // namespace leadline::collector::store::engine
