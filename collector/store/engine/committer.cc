#include "collector/store/engine/committer.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/store/index/definition.h"
#include "collector/store/log/record.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

constexpr size_t kGroupBytes = 8 << 20;
constexpr size_t kEntitiesPerRecord = 1000;
// Entities that ended this long ago are not carried over in checkpoints: their samples have come.
constexpr int64_t kEndedGraceMs = 60 * 60 * 1000;

}  // namespace

absl::Status ReleasedError(SeriesHandle handle) {
  return absl::UnavailableError(fmt::format(
      "series {} was forgotten since its entity ended; define it again to write to it", handle));
}

Committer::Committer(std::unique_ptr<log::Writer> writer, head::Head& head, Writers& writers,
                     Metrics& metrics, Options options)
    : writer_(std::move(writer)),
      head_(head),
      writers_(writers),
      metrics_(metrics),
      options_(std::move(options)),
      log_bytes_(options_.recovered_bytes),
      flushed_bytes_(options_.flushed_bytes),
      segment_(writer_->segment()),
      described_(head.shard_count()),
      thread_([this] { Run(); }) {}

Committer::~Committer() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    work_.NotifyAll();
  }
  thread_.join();
}

void Committer::Submit(PendingBatch batch) {
  MutexLock lock(mutex_);
  while (!HasRoom()) changed_.Wait(mutex_);
  queued_bytes_ += batch.record.size();
  queue_.push_back(std::move(batch));
  work_.NotifyOne();
}

void Committer::RunBetweenGroups(std::function<void()> work) {
  Request request{std::move(work)};
  MutexLock lock(mutex_);
  while (request_ != nullptr) changed_.Wait(mutex_);
  request_ = &request;
  work_.NotifyOne();
  while (!request.done) changed_.Wait(mutex_);
}

absl::StatusOr<Committer::Mark> Committer::Checkpoint(absl::Span<const size_t> shards) {
  absl::StatusOr<Mark> mark;
  RunBetweenGroups([&] { mark = WriteCheckpoint(shards); });
  return mark;
}

void Committer::Flushed(absl::Span<const size_t> shards, const Mark& mark) {
  MutexLock lock(mutex_);
  for (const size_t shard : shards) flushed_bytes_[shard] = mark.log_bytes;
}

void Committer::StartApplying() {
  RunBetweenGroups([this] {
    for (const PendingBatch& batch : deferred_) Apply(batch);
    deferred_ = {};
    applying_ = true;
    MutexLock lock(mutex_);
    queued_bytes_ -= std::exchange(deferred_bytes_, 0);
    changed_.NotifyAll();
  });
}

bool Committer::Heal() {
  bool healed = false;
  RunBetweenGroups([&] {
    if (!writer_->broken()) return;
    absl::Status begun = BeginSegment();
    healed = begun.ok();
    if (healed) spdlog::info("the log goes on after an error segment={}", writer_->segment());
    MutexLock lock(mutex_);
    health_ = std::move(begun);
  });
  return healed;
}

absl::Status Committer::health() const {
  LL_RETURN_IF_ERROR(CheckRoom());
  MutexLock lock(mutex_);
  return health_;
}

uint64_t Committer::segment() const {
  MutexLock lock(mutex_);
  return segment_;
}

uint64_t Committer::log_bytes() const {
  MutexLock lock(mutex_);
  return log_bytes_;
}

uint64_t Committer::unflushed_bytes() const {
  MutexLock lock(mutex_);
  return log_bytes_ - *std::min_element(flushed_bytes_.begin(), flushed_bytes_.end());
}

void Committer::Run() {
  while (true) {
    Group group;
    Request* request = nullptr;
    {
      MutexLock lock(mutex_);
      WaitForWork();
      request = request_;
      if (request == nullptr) {
        if (queue_.empty()) return;  // stopping
        group = TakeGroup();
      }
    }
    if (request == nullptr) {
      CommitGroup(std::move(group));
      continue;
    }
    request->work();
    MutexLock lock(mutex_);
    request->done = true;
    request_ = nullptr;
    changed_.NotifyAll();
  }
}

void Committer::WaitForWork() {
  using std::chrono::steady_clock;
  std::optional<SteadyTime> held_from;
  while (request_ == nullptr && !stopping_) {
    if (queue_.empty()) {
      work_.Wait(mutex_);
      continue;
    }
    const SteadyTime now = steady_clock::now();
    if (held_until_ <= now || head_.sample_bytes() < held_above_) break;
    if (!held_from) held_from = now;
    work_.WaitFor(mutex_, absl::FromChrono(held_until_ - now));
  }
  if (!held_from) return;
  const std::chrono::duration<double> held = steady_clock::now() - *held_from;
  metrics_.log_held_seconds.Increment(held.count());
}

void Committer::HoldAbove(uint64_t sample_bytes, absl::Duration at_most) {
  MutexLock lock(mutex_);
  held_above_ = sample_bytes;
  held_until_ = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(at_most);
}

void Committer::GoOn() {
  MutexLock lock(mutex_);
  held_until_ = SteadyTime();
  work_.NotifyOne();
}

Committer::Group Committer::TakeGroup() {
  Group group;
  size_t bytes = 0;
  while (!queue_.empty() &&
         (group.empty() || bytes + queue_.front().record.size() <= kGroupBytes)) {
    bytes += queue_.front().record.size();
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queued_bytes_ -= bytes;
  changed_.NotifyAll();
  return group;
}

Committer::Verdict Committer::Judge(const PendingBatch& pending,
                                    absl::flat_hash_map<WriterKey, uint64_t>& in_group,
                                    absl::Status& refusal) {
  refusal = pending.rejected;
  if (refusal.ok()) refusal = CheckHandles(pending);
  const WriterId& writer = pending.batch.writer;
  if (!IsNumbered(writer)) return refusal.ok() ? Verdict::kWrite : Verdict::kRefuse;
  const uint64_t sequence = pending.batch.sequence;
  const WriterKey key(pending.tenant, writer);
  uint64_t& last = in_group.try_emplace(key, writers_.Last(pending.tenant, writer)).first->second;
  if (sequence <= last) {
    refusal = absl::OkStatus();
    return Verdict::kRepeat;
  }
  if (!refusal.ok()) {
    failed_from_.try_emplace(key, sequence);  // nothing may pass it
    return Verdict::kRefuse;
  }
  if (const auto failed = failed_from_.find(key);
      failed != failed_from_.end() && sequence > failed->second) {
    refusal = absl::UnavailableError(
        fmt::format("batch {} could not be written before; send it again first, then {}",
                    failed->second, sequence));
    return Verdict::kRefuse;
  }
  if (sequence != last + 1) metrics_.sequence_gaps.Increment();
  last = sequence;
  return Verdict::kWrite;
}

absl::Status Committer::CheckHandles(const PendingBatch& pending) const {
  if (pending.releases == head_.releases()) return absl::OkStatus();
  const auto unknown = head_.FirstUnknown(pending.tenant, pending.batch.series);
  return unknown ? ReleasedError(*unknown) : absl::OkStatus();
}

absl::Status Committer::CheckRoom() const {
  LL_RETURN_IF_ERROR(options_.check_disk());
  const uint64_t unflushed = unflushed_bytes();
  if (unflushed < options_.max_unflushed_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      fmt::format("{} bytes of the log could not be written to windows yet; the limit is {}",
                  unflushed, options_.max_unflushed_bytes));
}

void Committer::DescribeSeries(const PendingBatch& pending, std::vector<SeriesHandle>& described,
                               std::string& payload) {
  log::SeriesRecordWriter record;
  std::vector<index::DefinitionPtr> definitions;  // whose text it refers to
  const index::LabelTable& texts = index::LabelTable::Get();
  for (const SeriesHandle handle : pending.batch.series) {
    std::vector<bool>& known = described_[head::Head::ShardOf(handle)];
    const size_t slot = head::Head::SlotOf(handle);
    if (slot >= known.size()) known.resize(slot + 1);
    if (known[slot]) continue;
    known[slot] = true;
    described.push_back(handle);
    const index::Definition& series = *definitions.emplace_back(head_.Find(pending.tenant, handle));
    record.BeginRow(handle, series.metric(), series.entity(), series.residual().size());
    for (const index::LabelId id : series.residual()) {
      const index::LabelView label = texts.View(id);
      record.AddLabel(label.name, label.value);
    }
  }
  if (!record.empty()) record.AppendTo(pending.tenant, payload);
}

void Committer::ForgetDescribed(absl::Span<const SeriesHandle> handles) {
  for (const SeriesHandle handle : handles) {
    described_[head::Head::ShardOf(handle)][head::Head::SlotOf(handle)] = false;
  }
}

void Committer::ApplyOrDefer(PendingBatch& pending) {
  if (applying_) return Apply(pending);
  PendingBatch& deferred = deferred_.emplace_back();
  deferred.tenant = pending.tenant;
  deferred.batch = std::move(pending.batch);
  const uint64_t bytes = pending.record.size();
  deferred_bytes_ += bytes;
  MutexLock lock(mutex_);
  queued_bytes_ += bytes;
}

void Committer::Apply(const PendingBatch& pending) {
  metrics_.Count(head_.Append(pending.tenant, pending.batch, options_.oldest_ms()));
}

void Committer::CommitGroup(Group group) {
  std::string payload;
  std::vector<SeriesHandle> described;
  absl::flat_hash_map<WriterKey, uint64_t> in_group;
  std::vector<Verdict> verdicts;
  std::vector<absl::Status> outcomes(group.size());
  for (size_t i = 0; i < group.size(); ++i) {
    verdicts.push_back(Judge(group[i], in_group, outcomes[i]));
    if (verdicts[i] != Verdict::kWrite) continue;
    DescribeSeries(group[i], described, payload);
    payload += group[i].record;
  }

  absl::Status committed;
  if (!payload.empty()) {
    committed = CheckRoom();
    if (committed.ok()) committed = Commit(payload);
  }
  if (!committed.ok()) ForgetDescribed(described);
  for (size_t i = 0; i < group.size(); ++i) {
    PendingBatch& pending = group[i];
    const WriterId writer = pending.batch.writer;
    const uint64_t sequence = pending.batch.sequence;
    const WriterKey key(pending.tenant, writer);
    switch (verdicts[i]) {
      case Verdict::kRefuse:
        metrics_.batches_rejected.Increment();
        break;
      case Verdict::kRepeat:
        metrics_.batches_duplicate.Increment();
        // Of this very group: it is as durable as the batch that it repeats.
        if (sequence > writers_.Last(pending.tenant, writer)) outcomes[i] = committed;
        break;
      case Verdict::kWrite:
        outcomes[i] = committed;
        if (committed.ok()) {
          ApplyOrDefer(pending);
          writers_.Advance(pending.tenant, writer, sequence);
          failed_from_.erase(key);
        } else if (IsNumbered(writer)) {
          failed_from_.try_emplace(key, sequence);
        }
        break;
    }
  }
  for (size_t i = 0; i < group.size(); ++i) group[i].durable(outcomes[i]);
  options_.applied();

  if (writer_->segment_bytes() >= options_.segment_bytes && !writer_->broken()) {
    if (absl::Status begun = BeginSegment(); !begun.ok()) {
      spdlog::warn("log segment goes on, no new one could be begun segment={} reason=\"{}\"",
                   writer_->segment(), std::string(begun.message()));
    }
  }
}

absl::Status Committer::Commit(const std::string& payload) {
  absl::Status status = writer_->Commit(payload);
  {
    MutexLock lock(mutex_);
    health_ = status;
    segment_ = writer_->segment();
  }
  if (!status.ok()) {
    metrics_.log_errors.Increment();
    spdlog::error("log commit failed segment={} bytes={} reason=\"{}\"", writer_->segment(),
                  payload.size(), std::string(status.message()));
    return status;
  }
  metrics_.log_fsyncs.Increment();
  metrics_.log_bytes.Increment(static_cast<double>(payload.size()));
  MutexLock lock(mutex_);
  log_bytes_ += payload.size();
  return status;
}

absl::Status Committer::BeginSegment() {
  LL_RETURN_IF_ERROR(writer_->Rotate());
  MutexLock lock(mutex_);
  segment_ = writer_->segment();
  return absl::OkStatus();
}

absl::StatusOr<Committer::Mark> Committer::WriteCheckpoint(absl::Span<const size_t> shards) {
  const bool is_full = head_.definition_bytes() >= options_.max_definition_bytes;
  for (const size_t shard : shards) {
    metrics_.series_released.Increment(
        static_cast<double>(head_.Release(shard, options_.now_ms(), kEndedGraceMs, is_full)));
  }
  LL_RETURN_IF_ERROR(BeginSegment());
  Mark mark{.segment = writer_->segment()};
  std::string payload;
  log::AppendRecord(writers_.All(), payload);
  LL_RETURN_IF_ERROR(Commit(payload));
  for (const size_t shard : shards) LL_RETURN_IF_ERROR(WriteLiveEntities(shard));
  for (const size_t shard : shards) {
    head_.Freeze(shard);
    described_[shard].clear();
  }
  mark.log_bytes = log_bytes();
  return mark;
}

absl::Status Committer::WriteLiveEntities(size_t shard) {
  const int64_t ended_before_ms = options_.now_ms() - kEndedGraceMs;
  for (const std::string& tenant : head_.Tenants()) {
    log::EntitiesRecord record;
    record.tenant = tenant;
    const auto write = [&] {
      if (record.versions.empty()) return absl::OkStatus();
      std::string payload;
      log::AppendRecord(record, payload);
      record.versions.clear();
      return Commit(payload);
    };
    for (const index::TimelinePtr& timeline : head_.Timelines(shard, tenant)) {
      if (timeline->end_ms() < ended_before_ms) continue;
      for (const model::EntityVersion& version : timeline->versions()) {
        record.versions.push_back(version);
      }
      if (record.versions.size() >= kEntitiesPerRecord) LL_RETURN_IF_ERROR(write());
    }
    LL_RETURN_IF_ERROR(write());
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::engine
