// Remote write out: what the store takes in is sent on to another, in the order in which it was
// taken.
//
// The queue is the store's log (kept_segments.h), so nothing is written twice and nothing waits in
// memory; how far it was sent is a file, written once a second and where the log goes on to another
// segment. After a kill of either side what was under way is sent again, which a receiver that has
// it takes for what it is. What the target refuses for its content is sent once more in halves, and
// those that it refuses again in theirs (kMaxHalvings), since it may refuse all of a request for
// one sample of it: Prometheus does for one that is older than its newest. What is refused for good
// is counted and passed over; all else is tried again, later each time (kMinBackoff to kMaxBackoff,
// or as the target asks), without end. When the log that is kept for this alone has more than
// `max_kept_bytes`, its oldest segment is given up, logged and counted. Where nothing was ever sent
// it begins with the oldest segment of the log.
//
// What metrics are is sent beside the samples, all of it each time (`metadata_every`), since a
// target may keep it in memory alone. What does not arrive is counted and comes with the next time.
//
// Threading: one thread of its own; every method from any thread. Ownership: the segments, the
// registry and what Start is given outlive it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "collector/model/metric_metadata.h"
#include "collector/remote/send/kept_segments.h"
#include "collector/remote/send/log_reader.h"
#include "collector/remote/send/message.h"
#include "collector/remote/send/send_metrics.h"
#include "collector/remote/send/write_client.h"
#include "collector/store/store.h"
#include "common/mutex.h"
#include "prometheus/registry.h"

namespace leadline::collector::remote::send {

inline constexpr absl::Duration kMinBackoff = absl::Milliseconds(30);
inline constexpr absl::Duration kMaxBackoff = absl::Seconds(5);
inline constexpr int kMaxHalvings = 7;  // 255 requests in place of one where all is refused
inline constexpr absl::Duration kLookEvery = absl::Milliseconds(200);  // for more in the log
inline constexpr absl::Duration kMetadataEvery = absl::Minutes(1);     // as Prometheus does

// What is known of metrics now.
using DescribeMetrics = std::function<model::MetricMetadata::Entries()>;

struct SenderOptions {
  Target target;
  std::string dir;  // of the store's files, for the position and the segments that are kept
  std::string tenant = "default";
  bool histograms =
      false;  // native ones; a Prometheus without that feature refuses them without end
  uint64_t max_kept_bytes = uint64_t{1} << 30;
  absl::Duration metadata_every = kMetadataEvery;
  store::file::Files* files = nullptr;  // required, as the next one
  prometheus::Registry* registry = nullptr;
};

class Sender {
 public:
  // Before the store is opened: with files() for it. Errors: those of the directory, and a position
  // that cannot be read.
  static absl::StatusOr<std::unique_ptr<Sender>> Open(SenderOptions options);
  ~Sender();  // stops

  store::file::Files& files() { return segments_->files(); }

  // Begins to send. The queryable knows the entities whose series are in the log. Without
  // `describe` nothing is said of metrics.
  void Start(const store::Queryable& queryable, DescribeMetrics describe = nullptr);
  // Ends what is under way and writes how far it was sent.
  void Stop();

 private:
  Sender(SenderOptions options, std::unique_ptr<KeptSegments> segments, Position position);

  void Run();
  // False once it is asked to stop.
  bool SendAll(const Outgoing& outgoing);
  // The parts [from, to) of it, in halves where they are refused.
  bool SendParts(const Message& message, size_t from, size_t to, int halvings);
  // Until it is taken, refused for good or not wanted any more (CANCELLED); as PostResult's status.
  absl::Status Deliver(std::string_view bytes);
  // In the log, now and then.
  void TellOfRefused(const absl::Status& why);
  // Once it is time.
  void SendMetadata();
  bool Wait(absl::Duration time) ABSL_LOCKS_EXCLUDED(mutex_);
  void Advance(const Position& position, bool save);
  void SavePosition();
  // Gives up the oldest of what is kept where that is too much; whether what is being sent is a
  // part.
  bool GiveUpOldest();

  const SenderOptions options_;
  const std::unique_ptr<KeptSegments> segments_;
  SendMetrics metrics_;
  std::atomic<bool> stopping_{false};
  WriteClient client_;
  // Of the thread:
  std::unique_ptr<LogReader> reader_;
  const store::Queryable* queryable_ = nullptr;
  DescribeMetrics describe_;
  absl::Time described_at_ = absl::InfinitePast();
  bool metadata_arrives_ = true;
  size_t refused_untold_ = 0;  // samples
  absl::Time told_at_ = absl::InfinitePast();
  Position position_;  // up to here it is sent
  Position saved_;
  absl::Time saved_at_;
  absl::Time looked_at_;  // at what is kept

  Mutex mutex_;
  CondVar changed_;
  std::thread thread_;
};

}  // namespace leadline::collector::remote::send
