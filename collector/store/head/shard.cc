#include "collector/store/head/shard.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/inlined_vector.h"

#include "collector/store/index/visible_labels.h"
#include "common/status_macros.h"

namespace leadline::collector::store::head {
namespace {

bool MayMatch(const index::Matchers& matchers, const index::Definition& series,
              const index::TimelinePtr& timeline) {
  if (timeline == nullptr) return index::MatchesAll(matchers, series, nullptr);
  return std::any_of(timeline->versions().begin(), timeline->versions().end(),
                     [&](const model::EntityVersion& version) {
                       return index::MatchesAll(matchers, series, &version);
                     });
}

// Measured with a million series of one sample. Their labels' text is counted once, by the head.
constexpr uint64_t kSeriesBytes = 160;
constexpr uint64_t kPostedBytes = 12;  // a label of a series
constexpr uint64_t kVersionBytes = 400;
constexpr uint64_t kLabelBytes = 80;

uint64_t BytesOf(const LabelSet& labels) {
  uint64_t bytes = 0;
  for (const Label& label : labels) bytes += kLabelBytes + label.name.size() + label.value.size();
  return bytes;
}

uint64_t BytesOf(const index::Definition& series) {
  return kSeriesBytes + kPostedBytes * series.labels().size();
}

uint64_t BytesOf(const model::EntityTimeline& timeline) {
  uint64_t bytes = 0;
  for (const model::EntityVersion& version : timeline.versions()) {
    bytes += kVersionBytes + BytesOf(version.labels) + BytesOf(version.kubernetes_labels);
  }
  return bytes;
}

// Rebuilding a shard's index is worth it when so many series go, and so large a part.
constexpr size_t kMinReleased = 256;
constexpr size_t kReleasedPart = 8;

constexpr int64_t kMsPerSecond = 1000;

// Of a frame, a sample's series is looked for so many samples before it is appended to.
constexpr uint32_t kSamplesAhead = 4;

}  // namespace

void AppendCounts::Add(Appended result) {
  switch (result) {
    case Appended::kNew:
      ++appended;
      break;
    case Appended::kDuplicate:
      ++duplicates;
      break;
    case Appended::kReplaced:
      ++replaced;
      break;
  }
}

uint64_t BytesOf(const SeriesSnapshot& series) {
  uint64_t bytes = sizeof(series) + series.pieces.capacity() * sizeof(chunk::Piece);
  for (const chunk::Piece& piece : series.pieces) bytes += chunk::CopiedBytes(piece);
  return bytes;
}

void AppendCounts::Add(const AppendCounts& other) {
  appended += other.appended;
  duplicates += other.duplicates;
  replaced += other.replaced;
  too_old += other.too_old;
}

Shard::Tenant& Shard::TenantOf(std::string_view name, uint32_t& number) {
  auto it = tenant_numbers_.find(name);
  if (it == tenant_numbers_.end()) {
    it = tenant_numbers_.emplace(std::string(name), static_cast<uint32_t>(tenants_.size())).first;
    tenants_.push_back(std::make_unique<Tenant>());
    tenants_.back()->name = name;
  }
  number = it->second;
  return *tenants_[number];
}

const Shard::Tenant* Shard::FindTenant(std::string_view name) const {
  const auto it = tenant_numbers_.find(name);
  return it == tenant_numbers_.end() ? nullptr : tenants_[it->second].get();
}

size_t Shard::Resolve(std::string_view tenant_name, absl::Span<const index::DefinitionKey> keys,
                      absl::Span<const uint32_t> numbers, FoundSlot found) {
  absl::InlinedVector<uint32_t, 128> unknown;
  {
    ReaderLock lock(mutex_);
    const Tenant* const tenant = FindTenant(tenant_name);
    for (const uint32_t number : numbers) {
      const auto known = tenant == nullptr ? std::nullopt : tenant->index.FindSeries(keys[number]);
      if (known) {
        found(number, tenant->slots[*known]);
      } else {
        unknown.push_back(number);
      }
    }
  }
  if (unknown.empty()) return 0;
  // What others need not wait for.
  absl::InlinedVector<index::DefinitionPtr, 128> definitions;
  for (const uint32_t number : unknown) definitions.push_back(index::Intern(keys[number]));
  return AddSeries(tenant_name, absl::MakeSpan(definitions),
                   [&](size_t i, uint32_t slot) { found(unknown[i], slot); });
}

std::vector<uint32_t> Shard::Add(std::string_view tenant,
                                 std::vector<index::DefinitionPtr> definitions) {
  std::vector<uint32_t> slots(definitions.size());
  AddSeries(tenant, absl::MakeSpan(definitions), [&](size_t i, uint32_t slot) { slots[i] = slot; });
  return slots;
}

template <typename Added>
size_t Shard::AddSeries(std::string_view tenant_name, absl::Span<index::DefinitionPtr> definitions,
                        Added added) {
  size_t count = 0;
  WriterLock lock(mutex_);
  uint32_t tenant_number = 0;
  Tenant& tenant = TenantOf(tenant_name, tenant_number);
  for (size_t i = 0; i < definitions.size(); ++i) {
    const index::Definition& definition = *definitions[i];
    const uint32_t ordinal = tenant.index.AddSeries(std::move(definitions[i]));
    if (ordinal == tenant.slots.size()) {
      tenant.slots.push_back(static_cast<uint32_t>(series_.size()));
      series_.push_back({tenant_number, ordinal});
      definition_bytes_ += BytesOf(definition);
      ++count;
    }
    added(i, tenant.slots[ordinal]);
  }
  tenant.changes.resize(tenant.index.entity_count());
  return count;
}

index::DefinitionPtr Shard::Find(std::string_view tenant, uint32_t slot) const {
  ReaderLock lock(mutex_);
  if (!IsThere(slot)) return nullptr;
  const Tenant& owner = TenantOf(series_[slot]);
  return owner.name == tenant ? owner.index.definition(series_[slot].ordinal) : nullptr;
}

size_t Shard::CountKnown(std::string_view tenant, absl::Span<const SeriesHandle> handles) const {
  ReaderLock lock(mutex_);
  const auto number = tenant_numbers_.find(tenant);
  if (number == tenant_numbers_.end()) return 0;
  size_t known = 0;
  for (; known < handles.size(); ++known) {
    const auto slot = static_cast<uint32_t>(handles[known]);
    if (!IsThere(slot) || series_[slot].tenant != number->second) break;
  }
  return known;
}

bool Shard::WasReleased(uint32_t slot) const {
  ReaderLock lock(mutex_);
  return slot < series_.size() && !IsThere(slot);
}

bool Shard::Has(std::string_view tenant_name, const model::SeriesDefinition& series) const {
  ReaderLock lock(mutex_);
  const Tenant* const tenant = FindTenant(tenant_name);
  return tenant != nullptr && tenant->index.FindSeries(series).has_value();
}

bool Shard::AddEntity(std::string_view tenant_name, const model::EntityVersion& version,
                      bool in_windows) {
  WriterLock lock(mutex_);
  uint32_t number = 0;
  Tenant& tenant = TenantOf(tenant_name, number);
  const uint32_t entity = tenant.index.AddEntity(version.id);
  tenant.changes.resize(tenant.index.entity_count());
  const index::TimelinePtr& known = tenant.index.timeline(entity);
  auto timeline = known ? std::make_shared<model::EntityTimeline>(*known)
                        : std::make_shared<model::EntityTimeline>();
  if (!timeline->Append(version)) return false;
  definition_bytes_ += BytesOf(*timeline) - (known ? BytesOf(*known) : 0);
  tenant.index.SetTimeline(entity, std::move(timeline));
  if (in_windows) return true;
  Tenant::Change& change = tenant.changes[entity];
  ++change.count;
  change.from_ms = std::min(change.from_ms, version.valid_from_ms);
  tenant.changed.add(entity);
  return true;
}

AppendCounts Shard::Append(const WriteBatch& batch, absl::Span<const FrameRange> floats,
                           absl::Span<const FrameRange> histograms, int64_t oldest_ms) {
  AppendCounts counts;
  WriterLock lock(mutex_);
  const auto append = [&](const auto& frames, absl::Span<const FrameRange> ranges)
                          ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
                            uint32_t number = 0;
                            Generation::Frame frame;
                            for (size_t i = 0; i < ranges.size(); ++i) {
                              const FrameRange& range = ranges[i];
                              const auto& source = frames[range.frame];
                              if (source.ts_ms < oldest_ms) {
                                counts.too_old += range.end - range.begin;
                                continue;
                              }
                              if (i == 0 || range.frame != number) frame = {.ts_ms = source.ts_ms};
                              number = range.frame;
                              const auto slot_of = [&](uint32_t at) {
                                return static_cast<uint32_t>(batch.series[source.series[at]]);
                              };
                              for (uint32_t at = range.begin; at < range.end; ++at) {
                                const uint32_t soon = at + kSamplesAhead;
                                const uint32_t later = soon + kSamplesAhead;
                                if (later < range.end) open_->PrefetchSeries(slot_of(later));
                                if (soon < range.end) open_->PrefetchTail(slot_of(soon));
                                counts.Add(open_->Append(frame, slot_of(at), source.values[at]));
                              }
                            }
                          };
  append(batch.floats, floats);
  append(batch.histograms, histograms);
  CountBytes();
  return counts;
}

void Shard::CountBytes() {
  uint64_t bytes = open_->bytes();
  for (const auto& frozen : frozen_) bytes += frozen->bytes();
  sample_bytes_ = bytes;
  first_sample_bytes_ = std::max<uint64_t>(open_->first_bytes(), frozen_first_bytes_);
}

absl::Status Shard::Find(std::string_view tenant_name, const index::Matchers& matchers,
                         int64_t start_ms, int64_t end_ms, bool with_samples, CallMeter& meter,
                         std::vector<SeriesSnapshot>& out) const {
  ReaderLock lock(mutex_);
  const Tenant* tenant = FindTenant(tenant_name);
  if (tenant == nullptr || !HasSamplesIn(start_ms, end_ms)) return absl::OkStatus();
  for (const uint32_t ordinal : tenant->index.SeriesCandidates(matchers)) {
    LL_RETURN_IF_ERROR(meter.Step());
    const index::DefinitionPtr& definition = tenant->index.definition(ordinal);
    const index::TimelinePtr& timeline = tenant->index.timeline(tenant->index.entity_of(ordinal));
    const uint32_t slot = tenant->slots[ordinal];
    if (!HasSamplesIn(slot, start_ms, end_ms)) continue;
    if (!MayMatch(matchers, *definition, timeline)) continue;
    SeriesSnapshot found{definition, timeline, {}};
    if (with_samples) {
      for (const auto& frozen : frozen_) frozen->Collect(slot, start_ms, end_ms, found.pieces);
      open_->Collect(slot, start_ms, end_ms, found.pieces);
    }
    LL_RETURN_IF_ERROR(meter.Step(BytesOf(found)));
    out.push_back(std::move(found));
  }
  return absl::OkStatus();
}

bool Shard::HasSamples(uint32_t slot) const {
  return open_->Has(slot) || std::any_of(frozen_.begin(), frozen_.end(),
                                         [&](const auto& frozen) { return frozen->Has(slot); });
}

bool Shard::HasSamplesIn(uint32_t slot, int64_t start_ms, int64_t end_ms) const {
  return open_->HasSamplesIn(slot, start_ms, end_ms) ||
         std::any_of(frozen_.begin(), frozen_.end(), [&](const auto& frozen) {
           return frozen->HasSamplesIn(slot, start_ms, end_ms);
         });
}

bool Shard::HasSamplesIn(int64_t start_ms, int64_t end_ms) const {
  return open_->HasSamplesIn(start_ms, end_ms) ||
         std::any_of(frozen_.begin(), frozen_.end(),
                     [&](const auto& frozen) { return frozen->HasSamplesIn(start_ms, end_ms); });
}

void Shard::ChangedEntities(std::string_view tenant_name, const index::Matchers& matchers,
                            std::vector<Id128>& out) const {
  ReaderLock lock(mutex_);
  const Tenant* tenant = FindTenant(tenant_name);
  if (tenant == nullptr || tenant->changed.isEmpty()) return;
  for (const uint32_t entity : tenant->index.EntitiesNamedBy(matchers) & tenant->changed) {
    out.push_back(tenant->index.entity_id(entity));
  }
}

void Shard::ChangedTimelines(std::string_view tenant_name,
                             std::vector<index::TimelinePtr>& out) const {
  ReaderLock lock(mutex_);
  const Tenant* tenant = FindTenant(tenant_name);
  if (tenant == nullptr) return;
  for (const uint32_t entity : tenant->changed) {
    if (tenant->index.timeline(entity) != nullptr) out.push_back(tenant->index.timeline(entity));
  }
}

index::TimelinePtr Shard::Timeline(std::string_view tenant_name, const Id128& id) const {
  ReaderLock lock(mutex_);
  const Tenant* tenant = FindTenant(tenant_name);
  if (tenant == nullptr) return nullptr;
  const auto entity = tenant->index.FindEntity(id);
  return entity ? tenant->index.timeline(*entity) : nullptr;
}

void Shard::Timelines(std::string_view tenant_name, std::vector<index::TimelinePtr>& out) const {
  ReaderLock lock(mutex_);
  const Tenant* tenant = FindTenant(tenant_name);
  if (tenant == nullptr) return;
  for (uint32_t entity = 0; entity < tenant->index.entity_count(); ++entity) {
    if (tenant->index.timeline(entity)) out.push_back(tenant->index.timeline(entity));
  }
}

void Shard::Tenants(StringSet& out) const {
  ReaderLock lock(mutex_);
  for (const auto& tenant : tenants_) out.insert(tenant->name);
}

void Shard::Freeze() {
  WriterLock lock(mutex_);
  if (open_->empty()) return;
  frozen_first_bytes_ = open_->first_bytes();
  frozen_.push_back(std::exchange(open_, std::make_unique<Generation>()));
  CountBytes();
}

uint32_t Shard::Frozen(uint32_t from, size_t max_samples, std::vector<FrozenSeries>& out) const {
  ReaderLock lock(mutex_);
  uint32_t end_slot = 0;
  for (const auto& frozen : frozen_) end_slot = std::max(end_slot, frozen->end_slot());
  std::vector<size_t> places(tenants_.size(), SIZE_MAX);  // of tenants in `out`
  size_t samples = 0;
  for (uint32_t slot = from; slot < end_slot; ++slot) {
    std::vector<chunk::Piece> pieces;
    for (const auto& frozen : frozen_) {
      if (frozen->Has(slot)) frozen->Collect(slot, INT64_MIN, INT64_MAX, pieces);
    }
    if (pieces.empty()) continue;
    const Series& series = series_[slot];
    const Tenant& tenant = TenantOf(series);
    size_t& place = places[series.tenant];
    if (place == SIZE_MAX) {
      place = out.size();
      out.push_back({tenant.name, {}});
    }
    for (const chunk::Piece& piece : pieces) samples += chunk::CountOf(piece);
    out[place].series.push_back({tenant.index.definition(series.ordinal),
                                 tenant.index.timeline(tenant.index.entity_of(series.ordinal)),
                                 std::move(pieces)});
    if (samples >= max_samples) return slot + 1;
  }
  return kEndOfSlots;
}

void Shard::FrozenEntitiesOf(std::vector<FrozenEntities>& out) const {
  ReaderLock lock(mutex_);
  for (const auto& tenant : tenants_) {
    if (tenant->changed.isEmpty()) continue;
    FrozenEntities& frozen = out.emplace_back();
    frozen.tenant = tenant->name;
    for (const uint32_t entity : tenant->changed) {
      const Tenant::Change& change = tenant->changes[entity];
      frozen.entities.push_back({tenant->index.timeline(entity), change.count, change.from_ms});
    }
  }
}

void Shard::DropFrozen(absl::Span<const FrozenEntities> entities) {
  std::vector<std::unique_ptr<const Generation>> dropped;  // their memory goes without the lock
  WriterLock lock(mutex_);
  dropped.swap(frozen_);
  CountBytes();
  for (const FrozenEntities& frozen : entities) {
    uint32_t number = 0;
    Tenant& tenant = TenantOf(frozen.tenant, number);
    for (const FrozenEntities::Entity& written : frozen.entities) {
      const auto entity = tenant.index.FindEntity(written.timeline->versions().front().id);
      Tenant::Change& change = tenant.changes[*entity];
      if (change.count != written.change) continue;
      tenant.changed.remove(*entity);
      change.from_ms = model::kOpenEnd;
    }
  }
}

bool Shard::IsReleasable(const Tenant& tenant, uint32_t entity, int64_t ended_before_ms) {
  const index::TimelinePtr& timeline = tenant.index.timeline(entity);
  return timeline != nullptr && timeline->end_ms() < ended_before_ms &&
         !tenant.changed.contains(entity);
}

bool Shard::IsReleasable(const Tenant& tenant, uint32_t entity, uint32_t ordinal,
                         int64_t ended_before_ms) const {
  const uint32_t slot = tenant.slots[ordinal];
  const bool is_over = tenant.index.entity_id(entity) == Id128()
                           ? int64_t{series_[slot].seen_s} * kMsPerSecond < ended_before_ms
                           : IsReleasable(tenant, entity, ended_before_ms);
  return is_over && !HasSamples(slot);
}

void Shard::LookAround(int64_t now_ms) {
  const auto now_s = static_cast<uint32_t>(now_ms / kMsPerSecond);
  for (uint32_t slot = 0; slot < series_.size(); ++slot) {
    Series& series = series_[slot];
    if (series.seen_s == 0 || HasSamples(slot)) series.seen_s = now_s;
  }
}

size_t Shard::Release(int64_t now_ms, int64_t grace_ms, bool all) {
  const int64_t ended_before_ms = now_ms - grace_ms;
  WriterLock lock(mutex_);
  LookAround(now_ms);
  size_t released = 0;
  for (auto& tenant : tenants_) {
    size_t count = 0;
    for (uint32_t ordinal = 0; ordinal < tenant->slots.size(); ++ordinal) {
      const uint32_t entity = tenant->index.entity_of(ordinal);
      count += IsReleasable(*tenant, entity, ordinal, ended_before_ms) ? 1 : 0;
    }
    const bool worth = count >= kMinReleased && count * kReleasedPart >= tenant->slots.size();
    if (count == 0 || !(all || worth)) continue;
    tenant = WithoutReleasable(*tenant, ended_before_ms);
    released += count;
  }
  released_ += released;
  return released;
}

std::unique_ptr<Shard::Tenant> Shard::WithoutReleasable(const Tenant& tenant,
                                                        int64_t ended_before_ms) {
  auto left = std::make_unique<Tenant>();
  left->name = tenant.name;
  for (uint32_t ordinal = 0; ordinal < tenant.slots.size(); ++ordinal) {
    const uint32_t slot = tenant.slots[ordinal];
    const index::DefinitionPtr& definition = tenant.index.definition(ordinal);
    if (IsReleasable(tenant, tenant.index.entity_of(ordinal), ordinal, ended_before_ms)) {
      definition_bytes_ -= BytesOf(*definition);
      series_[slot] = {};
      continue;
    }
    series_[slot].ordinal = left->index.AddSeries(definition);
    left->slots.push_back(slot);
  }
  for (uint32_t entity = 0; entity < tenant.index.entity_count(); ++entity) {
    const Id128& id = tenant.index.entity_id(entity);
    const index::TimelinePtr& timeline = tenant.index.timeline(entity);
    if (!left->index.FindEntity(id) && IsReleasable(tenant, entity, ended_before_ms)) {
      definition_bytes_ -= BytesOf(*timeline);
      continue;
    }
    const uint32_t number = left->index.AddEntity(id);
    if (timeline != nullptr) left->index.SetTimeline(number, timeline);
    left->changes.resize(left->index.entity_count());
    left->changes[number] = tenant.changes[entity];
    if (tenant.changed.contains(entity)) left->changed.add(number);
  }
  return left;
}

size_t Shard::series_count() const {
  ReaderLock lock(mutex_);
  return series_.size() - released_;
}

size_t Shard::series_count(std::string_view tenant_name) const {
  ReaderLock lock(mutex_);
  const Tenant* const tenant = FindTenant(tenant_name);
  return tenant == nullptr ? 0 : tenant->slots.size();
}

uint64_t Shard::definition_bytes() const {
  ReaderLock lock(mutex_);
  return definition_bytes_;
}

}  // namespace leadline::collector::store::head
