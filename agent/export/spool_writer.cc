#include "agent/export/spool_writer.h"

#include <map>
#include <optional>
#include <thread>
#include <utility>

#include <spdlog/spdlog.h>

#include "agent/export/definition_encoder.h"
#include "agent/export/definition_stream.h"
#include "agent/export/definition_table.h"
#include "common/mutex.h"
#include "common/status_macros.h"
#include "common/status_text.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"

namespace leadline::agent {
namespace {

struct SpoolMetrics {
  explicit SpoolMetrics(prometheus::Registry& registry)
      : bytes(Gauge(registry, "leadline_agent_spool_bytes", "Size of the spool's files.")),
        segments(Gauge(registry, "leadline_agent_spool_segments", "Files of the spool.")),
        failing(Gauge(registry, "leadline_agent_spool_failing",
                      "1 while batches cannot be written to the spool and are in memory only.")),
        written_bytes(Counter(registry, "leadline_agent_spool_written_bytes_total",
                              "Bytes written to the spool.")),
        written_batches(Counter(registry, "leadline_agent_spool_batches_written_total",
                                "Batches written to the spool.")),
        recovered_batches(Counter(registry, "leadline_agent_spool_batches_recovered_total",
                                  "Batches of earlier processes found in the spool.")),
        dropped_segments(Counter(registry, "leadline_agent_spool_segments_dropped_total",
                                 "Files of the spool that were removed to make room.")),
        damaged_places(Counter(registry, "leadline_agent_spool_damaged_places_total",
                               "Places in the spool's files that were torn or damaged.")),
        skipped(prometheus::BuildCounter()
                    .Name("leadline_agent_spool_batches_skipped_total")
                    .Help("Batches that are in memory only, by reason.")
                    .Register(registry)),
        failed(skipped.Add({{"reason", "write_failed"}})),
        behind(skipped.Add({{"reason", "behind"}})) {}

  static prometheus::Gauge& Gauge(prometheus::Registry& registry, const char* name,
                                  const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }
  static prometheus::Counter& Counter(prometheus::Registry& registry, const char* name,
                                      const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
  }

  prometheus::Gauge& bytes;
  prometheus::Gauge& segments;
  prometheus::Gauge& failing;
  prometheus::Counter& written_bytes;
  prometheus::Counter& written_batches;
  prometheus::Counter& recovered_batches;
  prometheus::Counter& dropped_segments;
  prometheus::Counter& damaged_places;
  prometheus::Family<prometheus::Counter>& skipped;
  prometheus::Counter& failed;
  prometheus::Counter& behind;
};

void Follow(prometheus::Counter& counter, uint64_t total) {
  counter.Increment(static_cast<double>(total) - counter.Value());
}

}  // namespace

class SpoolWriter::Impl {
 public:
  Impl(SpoolWriterOptions options, SpoolListener& listener, prometheus::Registry& registry)
      : options_(std::move(options)),
        listener_(listener),
        metrics_(registry),
        thread_(&Impl::Run, this) {}

  void Submit(uint64_t sequence, uint64_t samples, SendBuffer::Wire wire,
              DefinitionChanges changes) {
    MutexLock lock(mutex_);
    if (queued_bytes_ + wire->size() > kMaxQueuedBytes) {
      metrics_.behind.Increment();
      wire = nullptr;  // what it defines counts for those behind it
    } else {
      queued_bytes_ += wire->size();
    }
    queue_.push_back({sequence, samples, std::move(wire), std::move(changes)});
    changed_.NotifyAll();
  }

  void Acknowledge(const spool::Writer& writer, uint64_t sequence) {
    MutexLock lock(mutex_);
    acknowledged_[writer] = sequence;
    changed_.NotifyAll();
  }

  void Stop() {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      changed_.NotifyAll();
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  struct Item {
    uint64_t sequence;
    uint64_t samples;
    SendBuffer::Wire wire;  // null: is not spooled
    DefinitionChanges changes;
  };

  void Run();
  void Open(bool first);
  // False when the thread is to end.
  bool AwaitWork(std::vector<Item>* items, std::map<spool::Writer, uint64_t>* acknowledged);
  void Write(Item& item);
  absl::StatusOr<spool::Location> TryWrite(Item& item);
  void NoteOutcome(const absl::Status& status);
  void UpdateMetrics();

  const SpoolWriterOptions options_;
  SpoolListener& listener_;
  SpoolMetrics metrics_;

  // Of the thread.
  std::unique_ptr<spool::Spool> spool_;
  DefinitionTable table_;
  DefinitionEncoder encoder_;
  bool needs_keyframe_ = true;  // what is in the newest segment does not define everything
  bool failing_ = false;

  Mutex mutex_;
  CondVar changed_;
  std::vector<Item> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<spool::Writer, uint64_t> acknowledged_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

void SpoolWriter::Impl::Open(bool first) {
  auto opened = spool::Spool::Open(
      {.dir = options_.dir,
       .max_bytes = options_.max_bytes,
       .writer = options_.writer,
       .dropped = [this](const spool::LostRange& range) { listener_.Unspooled(range); }});
  if (!opened.ok()) {
    NoteOutcome(opened.status());
    if (first) listener_.Recovered({}, nullptr);
    return;
  }
  spool_ = std::move(opened->spool);
  metrics_.damaged_places.Increment(static_cast<double>(opened->damaged_places));
  if (!first) return;  // what it has comes with the next start
  for (const spool::Recovered& recovered : opened->recovered) {
    size_t batches = 0;
    for (const spool::RecoveredItem& item : recovered.items) batches += item.location ? 1 : 0;
    metrics_.recovered_batches.Increment(static_cast<double>(batches));
    spdlog::info("agent spool: {} has {} batches of epoch {} that may not have been acknowledged",
                 options_.dir, batches, recovered.writer.epoch);
  }
  listener_.Recovered(std::move(opened->recovered), std::move(opened->definitions));
}

bool SpoolWriter::Impl::AwaitWork(std::vector<Item>* items,
                                  std::map<spool::Writer, uint64_t>* acknowledged) {
  items->clear();
  acknowledged->clear();
  MutexLock lock(mutex_);
  while (queue_.empty() && acknowledged_.empty() && !stopping_) changed_.Wait(mutex_);
  if (queue_.empty() && acknowledged_.empty()) return false;
  items->swap(queue_);
  acknowledged->swap(acknowledged_);
  queued_bytes_ = 0;
  return true;
}

void SpoolWriter::Impl::Run() {
  Open(/*first=*/true);
  std::vector<Item> items;
  std::map<spool::Writer, uint64_t> acknowledged;
  do {
    UpdateMetrics();
    for (Item& item : items) Write(item);
    if (spool_ == nullptr) continue;
    if (!items.empty()) {
      if (const absl::Status status = spool_->Sync(); !status.ok()) NoteOutcome(status);
    }
    for (const auto& [writer, sequence] : acknowledged) spool_->Acknowledge(writer, sequence);
    UpdateMetrics();
  } while (AwaitWork(&items, &acknowledged));
  if (spool_ != nullptr) spool_->Close();
  UpdateMetrics();
}

void SpoolWriter::Impl::Write(Item& item) {
  if (spool_ == nullptr) Open(/*first=*/false);
  const absl::StatusOr<spool::Location> location = TryWrite(item);
  // Nothing later uses what this one was the last to use.
  table_.Acknowledge(item.sequence);
  if (!location.ok()) {
    needs_keyframe_ = true;
    if (item.wire == nullptr) return;
    metrics_.failed.Increment();
    NoteOutcome(location.status());
    return;
  }
  NoteOutcome(absl::OkStatus());
  metrics_.written_batches.Increment();
  listener_.Spooled(item.sequence, *location);
}

absl::StatusOr<spool::Location> SpoolWriter::Impl::TryWrite(Item& item) {
  if (spool_ == nullptr || item.wire == nullptr) {
    table_.Apply(item.sequence, item.changes);
    return absl::UnavailableError("the spool is not open");
  }
  absl::Status begun;
  if (needs_keyframe_ || spool_->NeedsSegment()) {
    table_.BeginSession();
    begun = spool_->BeginSegment(item.sequence, EncodeDefinitions(table_, encoder_));
    needs_keyframe_ = !begun.ok();
  }
  table_.Apply(item.sequence, item.changes);
  LL_RETURN_IF_ERROR(begun);
  return spool_->Append(item.sequence, item.samples, EncodeDefinitions(table_, encoder_),
                        *item.wire);
}

void SpoolWriter::Impl::NoteOutcome(const absl::Status& status) {
  if (status.ok() == !failing_) return;
  failing_ = !status.ok();
  metrics_.failing.Set(failing_ ? 1 : 0);
  if (failing_) {
    spdlog::error("{}: batches are in memory only until it can be written again",
                  StatusMessage(status));
  } else {
    spdlog::info("agent spool: {} can be written again", options_.dir);
  }
}

void SpoolWriter::Impl::UpdateMetrics() {
  if (spool_ == nullptr) return;
  metrics_.bytes.Set(static_cast<double>(spool_->bytes()));
  metrics_.segments.Set(static_cast<double>(spool_->segments()));
  Follow(metrics_.written_bytes, spool_->written_bytes());
  Follow(metrics_.dropped_segments, spool_->dropped_segments());
}

SpoolWriter::SpoolWriter(SpoolWriterOptions options, SpoolListener& listener,
                         prometheus::Registry& registry)
    : impl_(std::make_unique<Impl>(std::move(options), listener, registry)) {}

SpoolWriter::~SpoolWriter() { impl_->Stop(); }

void SpoolWriter::Submit(uint64_t sequence, uint64_t samples, SendBuffer::Wire wire,
                         DefinitionChanges changes) {
  impl_->Submit(sequence, samples, std::move(wire), std::move(changes));
}

void SpoolWriter::Acknowledge(const spool::Writer& writer, uint64_t sequence) {
  impl_->Acknowledge(writer, sequence);
}

void SpoolWriter::Stop() { impl_->Stop(); }

}  // namespace leadline::agent
