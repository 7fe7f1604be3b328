#include "collector/store/window/dictionary.h"

#include <optional>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include "collector/store/window/dictionary_reader.h"
#include "collector/store/window/dictionary_rows.h"
#include "collector/store/window/rocks.h"
#include "common/bytes.h"
#include "common/status_macros.h"

namespace leadline::collector::store::window {
namespace {

class BatchSink final : public RowSink {
 public:
  explicit BatchSink(rocksdb::WriteBatch& batch) : batch_(batch) {}
  void Put(std::string_view key, std::string_view value) override {
    batch_.Put(AsSlice(key), AsSlice(value));
  }
  void Merge(std::string_view key, std::string_view value) override {
    batch_.Merge(AsSlice(key), AsSlice(value));
  }

 private:
  rocksdb::WriteBatch& batch_;
};

}  // namespace

Dictionary::Dictionary(rocksdb::DB& db, std::shared_ptr<rocksdb::Cache> cache, std::string path)
    : db_(db), path_(std::move(path)), cache_(std::move(cache)) {}

absl::Status Dictionary::Damage(std::string_view what) const {
  return DamagedWindow(path_, fmt::format("window {}: {}", path_, what));
}

// --- Writing ---

absl::StatusOr<DictionaryWriter*> Dictionary::WriterOf(std::string_view tenant) {
  if (const auto it = writers_.find(tenant); it != writers_.end()) return it->second.get();
  auto writer = std::make_unique<DictionaryWriter>(tenant);
  const std::unique_ptr<rocksdb::Iterator> rows(db_.NewIterator(ReadingOnce()));
  // In the order in which they refer to each other.
  for (const Table table : {Table::kEntity, Table::kMetric, Table::kSeries}) {
    const std::string prefix = TablePrefix(table, tenant);
    for (rows->Seek(prefix); rows->Valid() && rows->key().starts_with(AsSlice(prefix));
         rows->Next()) {
      const uint32_t ordinal = KeyOrdinal(AsView(rows->key()));
      if (rows->key().size() != prefix.size() + sizeof(ordinal) ||
          !writer->Load(table, ordinal, AsView(rows->value()))) {
        return Damage(fmt::format("malformed row {} of table {} of tenant {}", ordinal,
                                  static_cast<int>(table), tenant));
      }
    }
    LL_RETURN_IF_ERROR(FromRocks(rows->status(), path_, "read the dictionary of"));
  }
  return writers_.emplace(std::string(tenant), std::move(writer)).first->second.get();
}

absl::Status Dictionary::Write(std::string_view tenant,
                               absl::Span<const index::TimelinePtr> entities,
                               absl::Span<const index::DefinitionPtr> series,
                               std::vector<SeriesRef>& refs) {
  LL_ASSIGN_OR_RETURN(DictionaryWriter* const writer, WriterOf(tenant));
  rocksdb::WriteBatch batch;
  BatchSink sink(batch);
  for (const index::TimelinePtr& timeline : entities) writer->AddEntity(timeline, sink);
  refs.reserve(refs.size() + series.size());
  for (const index::DefinitionPtr& definition : series) {
    refs.push_back(writer->AddSeries(definition, sink));
  }
  writer->Finish(sink);
  if (batch.Count() == 0) return absl::OkStatus();
  writes_.fetch_add(1);
  absl::Status written = FromRocks(db_.Write(WithoutLog(), &batch), path_, "write");
  if (written.ok() && writer->TakeEntitiesChanged()) generation_.fetch_add(1);
  writes_.fetch_add(1);
  if (!written.ok()) {
    // The writer knows rows that are not there: it is made anew when it is next needed.
    writers_.erase(writers_.find(tenant));
    return written;
  }
  return absl::OkStatus();
}

// --- Reading ---

absl::StatusOr<std::vector<std::string>> Dictionary::Tenants() const {
  std::vector<std::string> tenants;
  const std::unique_ptr<rocksdb::Iterator> rows(db_.NewIterator(Reading()));
  const std::string table(1, static_cast<char>(Table::kMetric));
  rows->Seek(table);
  while (rows->Valid() && rows->key().starts_with(table)) {
    const auto key = ParseRowKey(AsView(rows->key()));
    if (!key) return Damage("malformed key of a metric");
    tenants.emplace_back(key->tenant);
    rows->Seek(RowKey(Table::kMetric, tenants.back(), UINT32_MAX));
  }
  LL_RETURN_IF_ERROR(FromRocks(rows->status(), path_, "read the dictionary of"));
  return tenants;
}

absl::StatusOr<bool> Dictionary::HasEntity(std::string_view tenant, const Id128& id) const {
  std::string ordinal;
  const rocksdb::Status read = db_.Get(Reading(), EntityIdKey(tenant, id), &ordinal);
  if (read.IsNotFound()) return false;
  LL_RETURN_IF_ERROR(FromRocks(read, path_, "read the dictionary of"));
  return true;
}

absl::StatusOr<bool> Dictionary::HasSeriesOf(std::string_view tenant, const Id128& id) const {
  const DictionaryReader rows(Source(), tenant);
  LL_ASSIGN_OR_RETURN(const auto entity, rows.EntityOf(id));
  if (!entity.has_value()) return false;
  Roaring series;
  LL_RETURN_IF_ERROR(rows.AddSeriesOf(*entity, series));
  return !series.isEmpty();
}

absl::Status Dictionary::Find(std::string_view tenant, const index::Matchers& matchers,
                              absl::Span<const Id128> also, std::vector<SeriesRef>& out) const {
  const DictionaryReader rows(Source(), tenant);
  LL_ASSIGN_OR_RETURN(Roaring candidates, index::FindSeries(rows, matchers));
  LL_RETURN_IF_ERROR(AddSeriesOf(rows, also, candidates));
  out.reserve(out.size() + candidates.cardinality());
  absl::flat_hash_map<uint32_t, index::TimelinePtr> timelines;
  for (const uint32_t series : candidates) {
    LL_ASSIGN_OR_RETURN(SeriesRow row, rows.SeriesAt(series));
    const auto [timeline, is_new] = timelines.try_emplace(row.entity);
    if (is_new) {
      LL_ASSIGN_OR_RETURN(timeline->second, rows.TimelineOf(row.entity));
    }
    out.push_back({std::move(row.definition), timeline->second, row.metric, series, row.rank});
  }
  return absl::OkStatus();
}

absl::StatusOr<Dictionary::Found> Dictionary::FindShared(std::string_view tenant,
                                                         const index::Matchers& matchers,
                                                         absl::Span<const Id128> also,
                                                         CallMeter& meter) const {
  const DictionarySource source = Source();
  const std::string key = fmt::format("found {} {} {:03}{}{}", source.writes, source.entities,
                                      tenant.size(), tenant, matchers.Key());
  Found found{cache_.GetInUse<Selected>(key), nullptr};
  if (found.shared != nullptr) LL_RETURN_IF_ERROR(meter.Step(found.shared->bytes()));
  if (found.shared != nullptr && also.empty()) return found;
  const DictionaryReader rows(source, tenant);
  if (found.shared == nullptr) {
    LL_ASSIGN_OR_RETURN(const Roaring candidates, index::FindSeries(rows, matchers));
    LL_ASSIGN_OR_RETURN(auto selected, Select(rows, matchers, candidates, meter));
    const size_t bytes = selected->bytes() + key.size();
    found.shared = cache_.PutInUse<Selected>(key, std::move(selected), bytes);
  }
  Roaring others;
  LL_RETURN_IF_ERROR(AddSeriesOf(rows, also, others));
  if (others.isEmpty()) return found;
  for (const Selected::Series& series : found.shared->series()) others.remove(series.number);
  if (others.isEmpty()) return found;
  LL_ASSIGN_OR_RETURN(found.others, Select(rows, matchers, others, meter));
  return found;
}

absl::Status Dictionary::AddSeriesOf(const DictionaryReader& rows, absl::Span<const Id128> entities,
                                     Roaring& out) {
  for (const Id128& id : entities) {
    LL_ASSIGN_OR_RETURN(const auto entity, rows.EntityOf(id));
    if (!entity.has_value()) continue;
    LL_RETURN_IF_ERROR(rows.AddSeriesOf(*entity, out));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Selected>> Dictionary::Select(const DictionaryReader& rows,
                                                                   const index::Matchers& matchers,
                                                                   const Roaring& candidates,
                                                                   CallMeter& meter) {
  // Its labels' numbers, and its share of what is parsed of its entity, besides.
  constexpr uint64_t kSeriesBytes = sizeof(Selected::Series) + 100;
  LL_RETURN_IF_ERROR(meter.Step(candidates.cardinality() * kSeriesBytes));
  Selected::Builder builder(matchers);
  builder.Reserve(candidates.cardinality());
  for (const uint32_t series : candidates) {
    LL_RETURN_IF_ERROR(meter.Step());
    LL_ASSIGN_OR_RETURN(SeriesRow row, rows.SeriesAt(series));
    if (const Id128& entity = row.definition->entity(); !builder.HasEntity(entity)) {
      LL_ASSIGN_OR_RETURN(index::TimelinePtr timeline, rows.TimelineOf(row.entity));
      builder.AddEntity(entity, std::move(timeline));
    }
    builder.AddSeries(series, std::move(row));
  }
  return builder.Finish();
}

absl::StatusOr<index::TimelinePtr> Dictionary::Timeline(std::string_view tenant,
                                                        const Id128& id) const {
  // Most that are asked for are not here, which a look-up knows sooner than a search.
  LL_ASSIGN_OR_RETURN(const bool is_here, HasEntity(tenant, id));
  if (!is_here) return index::TimelinePtr();
  const DictionaryReader rows(Source(), tenant);
  LL_ASSIGN_OR_RETURN(const auto entity, rows.EntityOf(id));
  if (!entity.has_value()) return index::TimelinePtr();
  return rows.TimelineOf(*entity);
}

absl::Status Dictionary::Timelines(std::string_view tenant,
                                   std::vector<index::TimelinePtr>& out) const {
  return DictionaryReader(Source(), tenant).EachTimeline(out);
}

absl::Status Dictionary::LabelNames(std::string_view tenant, index::LabelsOf whose,
                                    Visit visit) const {
  return DictionaryReader(Source(), tenant).EachName(whose, visit);
}

absl::Status Dictionary::LabelValues(std::string_view tenant, index::LabelsOf whose,
                                     std::string_view name, Visit visit) const {
  return DictionaryReader(Source(), tenant).EachValue(whose, name, visit);
}

absl::StatusOr<std::shared_ptr<const LabelValueList>> Dictionary::TimedLabelValues(
    std::string_view tenant, std::string_view name, const CallLimits& limits) const {
  return DictionaryReader(Source(), tenant).TimedValues(name, limits);
}

absl::Status Dictionary::WarmUp(std::string_view tenant, MayReadOn go_on) const {
  return DictionaryReader(Source(), tenant, ReadMany(/*fill_cache=*/true)).WarmUp(go_on);
}

absl::Status Dictionary::EntitiesWith(
    std::string_view tenant, const index::LabelView& label,
    absl::FunctionRef<bool(const index::TimelinePtr&)> visit) const {
  const DictionaryReader rows(Source(), tenant);
  Roaring entities;
  LL_RETURN_IF_ERROR(rows.AddWithLabel(index::LabelsOf::kEntity, label, entities));
  for (const uint32_t entity : entities) {
    Roaring series;
    LL_RETURN_IF_ERROR(rows.AddSeriesOf(entity, series));
    if (series.isEmpty()) continue;
    LL_ASSIGN_OR_RETURN(const index::TimelinePtr timeline, rows.TimelineOf(entity));
    if (timeline != nullptr && !visit(timeline)) break;
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::window
