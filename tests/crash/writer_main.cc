// leadline_crash_writer DIR SEED: appends batches to the store in DIR, several in flight, flushing
// now and then, and writes the sequence of each that is acknowledged to standard output, 8 bytes
// each, until it is killed.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"

#include "collector/store/engine/open.h"
#include "common/log.h"
#include "common/mutex.h"
#include "tests/crash/samples.h"

namespace leadline::crash {
namespace {

using collector::store::Store;
using collector::store::WriteBatch;

constexpr uint64_t kInFlight = 8;

// The acknowledged sequence, and who waits for it.
class Progress {
 public:
  explicit Progress(uint64_t acknowledged) : acknowledged_(acknowledged) {}

  void Acknowledge(uint64_t sequence) {
    if (write(STDOUT_FILENO, &sequence, sizeof sequence) != sizeof sequence) _exit(1);
    MutexLock lock(mutex_);
    acknowledged_ = sequence;
    changed_.NotifyAll();
  }
  void WaitFor(uint64_t sequence) {
    MutexLock lock(mutex_);
    while (acknowledged_ < sequence) changed_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  uint64_t acknowledged_ ABSL_GUARDED_BY(mutex_);
};

WriteBatch MakeBatch(uint64_t sequence,
                     const std::vector<collector::store::SeriesHandle>& handles) {
  WriteBatch batch;
  batch.writer = Writer();
  batch.sequence = sequence;
  batch.series = handles;
  collector::store::FloatFrame frame{TimeOf(sequence), {}, {}};
  for (uint64_t i = 0; i < kSeries; ++i) {
    frame.series.push_back(static_cast<uint32_t>(i));
    frame.values.push_back(ValueOf(sequence, i));
  }
  batch.floats.push_back(std::move(frame));
  batch.records = {RecordOf(sequence), ExemplarOf(sequence)};
  return batch;
}

int Run(const std::string& dir, uint32_t seed) {
  // Segments are small, so that the log rotates often.
  if (!SetUpLog("leadline-crash-writer", "warn").ok()) return 1;
  auto opened =
      collector::store::engine::OpenStore({.dir = dir,
                                           .flush_log_bytes = 4096,
                                           .recover_in_background = true,
                                           .log_segment_bytes = 2048,
                                           .maintenance_interval = absl::Milliseconds(5)});
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", std::string(opened.status().message()).c_str());
    return 1;
  }
  Store& store = **opened;
  const auto handles = store.Resolve(kTenant, Definitions());
  if (!handles.ok()) return 1;
  const uint64_t last = store.LastSequence(kTenant, Writer());
  Progress progress(last);

  std::thread flusher([&store, &progress, last, seed] {
    std::mt19937 random(seed);
    for (uint64_t at = last;;) {
      at += 1 + random() % 20;
      progress.WaitFor(at);
      if (absl::Status flushed = store.Flush(); !flushed.ok() && !absl::IsUnavailable(flushed)) {
        _exit(1);
      }
    }
  });
  for (uint64_t sequence = last + 1;; ++sequence) {
    if (sequence > last + kInFlight) progress.WaitFor(sequence - kInFlight);
    store.Append(kTenant, MakeBatch(sequence, *handles),
                 [&progress, sequence](const absl::Status& status) {
                   if (!status.ok()) _exit(1);
                   progress.Acknowledge(sequence);
                 });
  }
}

}  // namespace
}  // namespace leadline::crash

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s DIR SEED\n", argv[0]);
    return 2;
  }
  return leadline::crash::Run(argv[1], static_cast<uint32_t>(std::strtoul(argv[2], nullptr, 10)));
}
