#include "agent/replay.h"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "agent/export/sender.h"
#include "agent/pipeline.h"
#include "agent/record/replayer.h"
#include "agent/run_facts.h"
#include "common/clock.h"
#include "common/status_macros.h"
#include "common/version.h"
#include "leadline/v1/ingest.pb.h"
#include "prometheus/registry.h"

namespace leadline::agent {
namespace {

// Batches that the collector has not acknowledged when the replay waits for it.
constexpr uint64_t kBatchesAhead = 64;
constexpr absl::Duration kAcknowledgeTimeout = absl::Seconds(60);

struct Totals {
  uint64_t intervals = 0, batches = 0, bytes = 0;
  uint64_t entities = 0, series = 0;
  uint64_t floats = 0, histograms = 0;

  void Add(const std::vector<SealedBatch>& sealed) {
    ++intervals;
    for (const SealedBatch& batch : sealed) {
      ++batches;
      bytes += batch.wire.size();
      entities += batch.changes.entities.size();
      series += batch.changes.series.size();
      v1::Batch message;
      if (!message.ParseFromString(batch.wire)) continue;  // we have just made it
      for (const v1::Frame& frame : message.frames()) {
        floats += static_cast<uint64_t>(frame.integers_size() + frame.doubles_size());
        histograms += static_cast<uint64_t>(frame.histograms().series_size());
      }
    }
  }
};

class HandlerDelivery final : public Delivery {
 public:
  explicit HandlerDelivery(std::function<void(const std::vector<SealedBatch>&)> handler)
      : handler_(std::move(handler)) {}
  // Nothing holds on to what it was given, so every number may be used again at once.
  uint64_t acknowledged_sequence() const override { return last_; }
  void Submit(std::vector<SealedBatch> batches) override {
    if (!batches.empty()) last_ = batches.back().sequence;
    handler_(batches);
  }

 private:
  const std::function<void(const std::vector<SealedBatch>&)> handler_;
  uint64_t last_ = 0;
};

// To a collector, never further ahead of it than kBatchesAhead, so that nothing is dropped.
class CollectorDelivery final : public Delivery {
 public:
  explicit CollectorDelivery(std::unique_ptr<Sender> sender) : sender_(std::move(sender)) {}

  uint64_t acknowledged_sequence() const override { return sender_->acknowledged_sequence(); }
  void Submit(std::vector<SealedBatch> batches) override {
    if (batches.empty() || !status_.ok()) return;
    const uint64_t last = batches.back().sequence;
    totals_.Add(batches);
    sender_->Submit(std::move(batches));
    if (last > kBatchesAhead) {
      status_ = sender_->AwaitAcknowledged(last - kBatchesAhead, kAcknowledgeTimeout);
    }
  }

  absl::Status Finish() {
    LL_RETURN_IF_ERROR(status_);
    return sender_->Stop(kAcknowledgeTimeout);
  }
  const Totals& totals() const { return totals_; }

 private:
  const std::unique_ptr<Sender> sender_;
  Totals totals_;
  absl::Status status_;
};

class Replayed {
 public:
  static absl::StatusOr<std::unique_ptr<Replayed>> Open(const std::string& path);

  // Of how the recorded agent ran.
  const PipelineOptions& options() const { return options_; }
  const record::Replayer& tape() const { return *tape_; }
  absl::Status Run(Delivery& delivery, prometheus::Registry& registry);

 private:
  std::unique_ptr<record::Replayer> tape_;
  PipelineOptions options_;
};

absl::StatusOr<std::unique_ptr<Replayed>> Replayed::Open(const std::string& path) {
  auto replayed = std::make_unique<Replayed>();
  LL_ASSIGN_OR_RETURN(replayed->tape_, record::Replayer::Open(path));
  const record::ScopedTape scope(replayed->tape_.get());
  LL_RETURN_IF_ERROR(replayed->tape_->status());
  const RunFacts facts = TapeRunFacts(RunFacts{});
  replayed->options_ = facts.options;
  if (replayed->options_.interval_ms <= 0) {
    return absl::InvalidArgumentError(
        fmt::format("recording {}: it does not say how the agent was started", path));
  }
  if (const RunFacts here = RunFactsHere({});
      facts.page_bytes != here.page_bytes || facts.ticks_per_second != here.ticks_per_second) {
    return absl::FailedPreconditionError(fmt::format(
        "recording {}: of a machine with pages of {} bytes and {} clock ticks a second; this one "
        "has {} and {}, which its files would be read with",
        path, facts.page_bytes, facts.ticks_per_second, here.page_bytes, here.ticks_per_second));
  }
  return replayed;
}

absl::Status Replayed::Run(Delivery& delivery, prometheus::Registry& registry) {
  const record::ScopedTape scope(tape_.get());
  const auto no_probes = [](const CgroupHierarchy&) -> std::unique_ptr<probes::Probes> {
    return nullptr;
  };
  LL_ASSIGN_OR_RETURN(const auto pipeline,
                      Pipeline::Start(options_, {.load_probes = no_probes}, registry));
  pipeline->Run(/*stop_fd=*/-1, delivery);
  return tape_->status();
}

void PrintCounts(const char* what, const std::map<record::Topic, uint64_t>& by_topic) {
  for (const auto& [topic, count] : by_topic) {
    fmt::print("{:<12}{} of {}\n", what, count, record::TopicName(topic));
  }
}

void Print(const Totals& totals, const record::Replayer& tape) {
  fmt::print("{:<12}{}\n", "intervals", totals.intervals);
  fmt::print("{:<12}{}\n", "entities", totals.entities);
  fmt::print("{:<12}{}\n", "series", totals.series);
  fmt::print("{:<12}{}\n", "floats", totals.floats);
  fmt::print("{:<12}{}\n", "histograms", totals.histograms);
  fmt::print("{:<12}{} of {} bytes\n", "batches", totals.batches, totals.bytes);
  fmt::print("{:<12}{} in {} turns\n", "answers", tape.counts().answers, tape.counts().turns);
  // Another version of the agent asks for other things than the recorded one.
  PrintCounts("unanswered", tape.counts().unanswered);
  PrintCounts("unasked", tape.counts().unasked);
  PrintCounts("malformed", tape.counts().malformed);
  if (!tape.ended()) fmt::print("the recording has no end: its agent was killed\n");
}

}  // namespace

absl::Status ReplayBatches(const std::string& path,
                           std::function<void(const std::vector<SealedBatch>&)> handler) {
  prometheus::Registry registry;
  LL_ASSIGN_OR_RETURN(const auto replayed, Replayed::Open(path));
  HandlerDelivery delivery(std::move(handler));
  return replayed->Run(delivery, registry);
}

absl::Status Replay(const Options& options) {
  prometheus::Registry registry;
  LL_ASSIGN_OR_RETURN(const auto replayed, Replayed::Open(options.replay));
  Totals totals;
  absl::Status status;
  if (!options.collector_given) {
    HandlerDelivery nowhere([&](const std::vector<SealedBatch>& batches) { totals.Add(batches); });
    status = replayed->Run(nowhere, registry);
  } else {
    LL_ASSIGN_OR_RETURN(auto sender,
                        Sender::Start({.collector = options.collector,
                                       .security = options.collector_files,
                                       .agent_id = replayed->tape().header().id,
                                       .epoch = static_cast<uint64_t>(SystemClock().NowUnixMs()),
                                       .agent_version = std::string(kVersion),
                                       .cluster = replayed->options().cluster,
                                       .node = replayed->options().node},
                                      registry));
    CollectorDelivery delivery(std::move(sender));
    status = replayed->Run(delivery, registry);
    const absl::Status delivered = delivery.Finish();
    totals = delivery.totals();
    if (!delivered.ok()) status = delivered;
  }
  Print(totals, replayed->tape());
  return status;
}

}  // namespace leadline::agent
