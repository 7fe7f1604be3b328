#include "fake_store.h"

#include <bit>

#include <fmt/format.h>

namespace leadline::collector::ingest {

std::string SeriesName(const model::SeriesDefinition& series) {
  return fmt::format("{}{} of {}", series.metric, series.residual.ToString(),
                     series.entity.ToHex());
}

FakeStore::~FakeStore() { Crash(); }

void FakeStore::Hold(bool hold) {
  while (true) {
    {
      MutexLock lock(mutex_);
      if (hold || waiting_.empty()) {
        hold_ = hold;
        return;
      }
    }
    Commit(1);
  }
}

void FakeStore::Commit(size_t count, const absl::Status& status) {
  for (size_t i = 0; i < count; ++i) {
    Waiting waiting;
    absl::Status outcome;
    {
      MutexLock lock(mutex_);
      while (waiting_.empty()) changed_.Wait(mutex_);
      waiting = std::move(waiting_.front());
      waiting_.pop_front();
      outcome = Finish(waiting.batch, status);
    }
    waiting.durable(outcome);
  }
}

void FakeStore::FailWith(const absl::Status& status) {
  MutexLock lock(mutex_);
  failure_ = status;
}

void FakeStore::Block(bool block) {
  MutexLock lock(mutex_);
  block_ = block;
  changed_.NotifyAll();
}

void FakeStore::Crash() {
  std::deque<Waiting> lost;
  {
    MutexLock lock(mutex_);
    down_ = true;
    lost.swap(waiting_);
    changed_.NotifyAll();
  }
  for (Waiting& waiting : lost) waiting.durable(absl::UnavailableError("the store is closed"));
}

void FakeStore::Open() {
  MutexLock lock(mutex_);
  down_ = false;
  appended_.clear();
  failed_from_.clear();
}

void FakeStore::Wipe() {
  MutexLock lock(mutex_);
  samples_.clear();
  entities_.clear();
  sequences_.clear();
  appended_.clear();
}

void FakeStore::AwaitHeld(size_t count) {
  MutexLock lock(mutex_);
  while (waiting_.size() < count) changed_.Wait(mutex_);
}

void FakeStore::AwaitCommitted(size_t count) {
  MutexLock lock(mutex_);
  while (committed_ < count) changed_.Wait(mutex_);
}

Samples FakeStore::samples() const {
  MutexLock lock(mutex_);
  return samples_;
}

std::map<Id128, std::vector<model::EntityVersion>> FakeStore::entities() const {
  MutexLock lock(mutex_);
  return entities_;
}

std::vector<uint64_t> FakeStore::sequences(const store::WriterId& writer) const {
  MutexLock lock(mutex_);
  auto it = sequences_.find({writer.agent, writer.epoch});
  return it == sequences_.end() ? std::vector<uint64_t>() : it->second;
}

size_t FakeStore::held() const {
  MutexLock lock(mutex_);
  return waiting_.size();
}

std::vector<std::string> FakeStore::complaints() const {
  MutexLock lock(mutex_);
  return complaints_;
}

void FakeStore::RefuseSeries(std::string metric) {
  MutexLock lock(mutex_);
  refused_metric_ = std::move(metric);
}

void FakeStore::AdmitWith(const absl::Status& status) {
  MutexLock lock(mutex_);
  admission_ = status;
}

absl::Status FakeStore::Admit(std::string_view /*tenant*/, store::Source /*source*/,
                              store::WriteBatch& batch, store::Refusals& /*refusals*/) {
  MutexLock lock(mutex_);
  const auto take_out = [&](auto& frame) {
    for (size_t i = frame.series.size(); i-- > 0;) {
      if (batch.series[frame.series[i]] != store::kNoSeries) continue;
      frame.series.erase(frame.series.begin() + static_cast<ptrdiff_t>(i));
      frame.values.erase(frame.values.begin() + static_cast<ptrdiff_t>(i));
    }
  };
  for (auto& frame : batch.floats) take_out(frame);
  for (auto& frame : batch.histograms) take_out(frame);
  return admission_;
}

absl::StatusOr<std::vector<store::SeriesHandle>> FakeStore::ResolveEach(
    std::string_view /*tenant*/, absl::Span<const model::SeriesDefinition> series,
    store::Refusals& refusals) {
  MutexLock lock(mutex_);
  std::vector<store::SeriesHandle> handles;
  for (const model::SeriesDefinition& definition : series) {
    if (definition.metric == refused_metric_) {
      refusals.Count(store::RefusedFor::kMaxSeries, 1, [] { return "too many"; });
      handles.push_back(store::kNoSeries);
      continue;
    }
    auto [it, is_new] = handles_.try_emplace(SeriesName(definition), names_.size());
    if (is_new) names_.push_back(it->first);
    handles.push_back(it->second);
  }
  return handles;
}

void FakeStore::Append(std::string_view tenant, store::WriteBatch batch, Durable durable) {
  absl::Status status;
  {
    MutexLock lock(mutex_);
    while (block_) changed_.Wait(mutex_);
    if (tenant != "default") complaints_.push_back(fmt::format("tenant {}", tenant));
    uint64_t& appended = appended_[{batch.writer.agent, batch.writer.epoch}];
    if (batch.sequence <= appended) {
      complaints_.push_back(fmt::format("batch {} after batch {}", batch.sequence, appended));
    }
    appended = batch.sequence;
    status = down_ ? absl::UnavailableError("the store is closed") : failure_;
    if (hold_ && status.ok()) {
      waiting_.push_back({std::move(batch), std::move(durable)});
      changed_.NotifyAll();
      return;
    }
    status = Finish(batch, status);
  }
  durable(status);
}

absl::Status FakeStore::Finish(const store::WriteBatch& batch, absl::Status status) {
  const std::pair key(batch.writer.agent, batch.writer.epoch);
  const auto failed = failed_from_.find(key);
  if (status.ok() && failed != failed_from_.end() && batch.sequence > failed->second) {
    status = absl::UnavailableError("a batch before it failed");
  }
  if (status.ok()) {
    failed_from_.erase(key);
    Apply(batch);
  } else {
    failed_from_.try_emplace(key, batch.sequence);
    appended_[key] = 0;
  }
  changed_.NotifyAll();
  return status;
}

void FakeStore::Apply(const store::WriteBatch& batch) {
  std::vector<uint64_t>& sequences = sequences_[{batch.writer.agent, batch.writer.epoch}];
  if (!sequences.empty() && batch.sequence <= sequences.back()) {
    complaints_.push_back(
        fmt::format("batch {} is durable after batch {}", batch.sequence, sequences.back()));
  }
  sequences.push_back(batch.sequence);
  for (const model::EntityVersion& version : batch.entities) {
    std::vector<model::EntityVersion>& versions = entities_[version.id];
    if (versions.empty() || versions.back() != version) versions.push_back(version);
  }
  const auto put = [&](uint32_t series, int64_t ts_ms, Value value) {
    mutex_.AssertHeld();
    const std::string& name = names_[batch.series[series]];
    auto [it, is_new] = samples_[name].try_emplace(ts_ms, value);
    // A histogram's marker has a NaN, which equals nothing.
    const bool is_float = std::holds_alternative<uint64_t>(value);
    if (!is_new && is_float && it->second != value) {
      complaints_.push_back(fmt::format("{} at {} has two values", name, ts_ms));
    }
  };
  for (const store::FloatFrame& frame : batch.floats) {
    for (size_t i = 0; i < frame.series.size(); ++i) {
      put(frame.series[i], frame.ts_ms, std::bit_cast<uint64_t>(frame.values[i]));
    }
  }
  for (const store::HistogramFrame& frame : batch.histograms) {
    for (size_t i = 0; i < frame.series.size(); ++i) {
      put(frame.series[i], frame.ts_ms, frame.values[i]);
    }
  }
  ++committed_;
}

uint64_t FakeStore::LastSequence(std::string_view /*tenant*/, const store::WriterId& writer) const {
  MutexLock lock(mutex_);
  auto it = sequences_.find({writer.agent, writer.epoch});
  return it == sequences_.end() ? 0 : it->second.back();
}

}  // namespace leadline::collector::ingest
