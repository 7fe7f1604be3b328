#include "collector/store/window/dictionary.h"

#include <optional>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include "collector/store/window/dictionary_rows.h"
#include "collector/store/window/postings_row.h"
#include "collector/store/window/rocks.h"
#include "common/bytes.h"
#include "common/status_macros.h"

namespace leadline::collector::store::window {
namespace {

// Looking up a series' entity costs about this part of reading the row of an entity's series.
constexpr uint64_t kLooksARow = 8;
// What a parsed series and a version of an entity take, about, beside text that is shared.
constexpr size_t kSeriesBytes = 96;
constexpr size_t kVersionBytes = 1500;

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

using Cell = std::vector<SeriesRow>;

}  // namespace

// One iterator for all that a call reads, so that it sees one state of the window.
class Dictionary::Rows final : public index::PostingsSource {
 public:
  Rows(const Dictionary& dictionary, std::string_view tenant)
      : dictionary_(dictionary),
        tenant_(tenant),
        generation_(dictionary.generation_.load()),
        rows_(dictionary.db_.NewIterator(rocksdb::ReadOptions())) {}

  absl::Status AddAllSeries(Roaring& out) const override {
    const std::string prefix = TablePrefix(Table::kSeries, tenant_);
    rows_->SeekForPrev(RowKey(Table::kSeries, tenant_, UINT32_MAX));
    if (!rows_->Valid() || !rows_->key().starts_with(AsSlice(prefix))) return Ended();
    const uint32_t last = KeyOrdinal(AsView(rows_->key()));
    LL_ASSIGN_OR_RETURN(const auto cell, CellOf(last));
    out.addRange(0, uint64_t{last} / kMaxBlockSeries * kMaxBlockSeries + cell->size());
    return absl::OkStatus();
  }

  absl::Status AddWithLabel(index::LabelsOf whose, const index::LabelView& label,
                            Roaring& out) const override {
    return AddRow(LabelKey(tenant_, whose, label), out);
  }

  absl::Status AddWithValues(index::LabelsOf whose, std::string_view name, std::string_view prefix,
                             Wanted wanted, Roaring& out) const override {
    return EachLabel(LabelPrefix(tenant_, whose, name, prefix),
                     [&](const ParsedLabel& label) -> absl::StatusOr<bool> {
                       if (!wanted(label.value)) return true;
                       if (!ReadPostings(AsView(rows_->value()), out)) return BadPostings();
                       return true;
                     });
  }

  absl::Status AddSeriesOf(const Roaring& entities, const Roaring* within,
                           Roaring& out) const override {
    if (within != nullptr && within->cardinality() < kLooksARow * entities.cardinality()) {
      for (const uint32_t series : *within) {
        LL_ASSIGN_OR_RETURN(const SeriesRow* const row, SeriesAt(series));
        if (entities.contains(row->entity)) out.add(series);
      }
      return absl::OkStatus();
    }
    for (const uint32_t entity : entities) {
      LL_RETURN_IF_ERROR(AddRow(RowKey(Table::kEntitySeries, tenant_, entity), out));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<uint32_t>> EntityOf(const Id128& id) const {
    const std::string key = EntityIdKey(tenant_, id);
    rows_->Seek(key);
    if (!rows_->Valid() || rows_->key() != rocksdb::Slice(key)) {
      LL_RETURN_IF_ERROR(Ended());
      return std::nullopt;
    }
    ByteReader reader(AsView(rows_->value()));
    const uint64_t ordinal = reader.Varint();
    if (!reader.ok() || !reader.AtEnd() || ordinal > UINT32_MAX) {
      return dictionary_.Damage("malformed ordinal of an entity");
    }
    return static_cast<uint32_t>(ordinal);
  }

  // Valid until the next call.
  absl::StatusOr<const SeriesRow*> SeriesAt(uint32_t series) const {
    // A cell that was parsed before may lack what came to it since.
    if (cell_ == nullptr || cell_number_ != series / kMaxBlockSeries ||
        series % kMaxBlockSeries >= cell_->size()) {
      LL_ASSIGN_OR_RETURN(cell_, CellOf(series));
      cell_number_ = series / kMaxBlockSeries;
    }
    return &(*cell_)[series % kMaxBlockSeries];
  }

  // Null when no version is known.
  absl::StatusOr<index::TimelinePtr> TimelineOf(uint32_t entity) const {
    const std::string key = RowKey(Table::kEntity, tenant_, entity);
    const std::string cached = key + std::to_string(generation_);
    if (auto known = dictionary_.cache_.Get<model::EntityTimeline>(cached)) return known;
    rows_->Seek(key);
    if (!rows_->Valid() || rows_->key() != rocksdb::Slice(key)) {
      LL_RETURN_IF_ERROR(Ended());
      return dictionary_.Damage(fmt::format("no row of entity {}", entity));
    }
    LL_ASSIGN_OR_RETURN(index::TimelinePtr timeline, ParsedTimeline());
    if (timeline != nullptr) {
      dictionary_.cache_.Put<model::EntityTimeline>(cached, timeline,
                                                    kVersionBytes * timeline->versions().size());
    }
    return timeline;
  }

  absl::Status EachTimeline(std::vector<index::TimelinePtr>& out) const {
    const std::string prefix = TablePrefix(Table::kEntity, tenant_);
    for (rows_->Seek(prefix); rows_->Valid() && rows_->key().starts_with(AsSlice(prefix));
         rows_->Next()) {
      LL_ASSIGN_OR_RETURN(index::TimelinePtr timeline, ParsedTimeline());
      if (timeline != nullptr) out.push_back(std::move(timeline));
    }
    return Ended();
  }

  // Until `visit` gives false or an error.
  absl::Status EachLabel(const std::string& prefix,
                         absl::FunctionRef<absl::StatusOr<bool>(const ParsedLabel&)> visit) const {
    for (rows_->Seek(prefix); rows_->Valid() && rows_->key().starts_with(AsSlice(prefix));
         rows_->Next()) {
      const auto label = ParseLabelKey(AsView(rows_->key()), tenant_.size());
      if (!label) return dictionary_.Damage("malformed key of a label");
      LL_ASSIGN_OR_RETURN(const bool more, visit(*label));
      if (!more) return absl::OkStatus();
    }
    return Ended();
  }

  // What `visit` is given is skipped whole.
  absl::Status EachName(index::LabelsOf whose, Visit visit) const {
    const std::string prefix = TablePrefix(LabelTableOf(whose), tenant_);
    rows_->Seek(prefix);
    while (rows_->Valid() && rows_->key().starts_with(AsSlice(prefix))) {
      const auto label = ParseLabelKey(AsView(rows_->key()), tenant_.size());
      if (!label) return dictionary_.Damage("malformed key of a label");
      if (!visit(label->name)) return absl::OkStatus();
      rows_->Seek(AfterName(tenant_, whose, label->name));
    }
    return Ended();
  }

  absl::Status AddRow(const std::string& key, Roaring& out) const {
    rows_->Seek(key);
    if (!rows_->Valid() || rows_->key() != rocksdb::Slice(key)) return Ended();
    return ReadPostings(AsView(rows_->value()), out) ? absl::OkStatus() : BadPostings();
  }

 private:
  absl::Status Ended() const {
    return FromRocks(rows_->status(), dictionary_.path_, "read the dictionary of");
  }
  absl::Status BadPostings() const { return dictionary_.Damage("malformed postings"); }

  absl::StatusOr<index::TimelinePtr> ParsedTimeline() const {
    auto row = ParseEntityRow(AsView(rows_->value()));
    if (!row) {
      return dictionary_.Damage(fmt::format("malformed entity row {} of tenant {}",
                                            KeyOrdinal(AsView(rows_->key())), tenant_));
    }
    if (row->timeline.empty()) return index::TimelinePtr();
    return index::TimelinePtr(
        std::make_shared<const model::EntityTimeline>(std::move(row->timeline)));
  }

  // All series whose ordinals are in the same cell of kMaxBlockSeries; has at least that one.
  absl::StatusOr<std::shared_ptr<const Cell>> CellOf(uint32_t series) const {
    const uint32_t first = series / kMaxBlockSeries * kMaxBlockSeries;
    const std::string key = RowKey(Table::kSeries, tenant_, first);
    // A cell may grow after it was parsed.
    if (auto known = dictionary_.cache_.Get<Cell>(key); known && series - first < known->size()) {
      return known;
    }
    const std::string prefix = TablePrefix(Table::kSeries, tenant_);
    auto cell = std::make_shared<Cell>();
    for (rows_->Seek(key); rows_->Valid() && rows_->key().starts_with(AsSlice(prefix));
         rows_->Next()) {
      const uint32_t ordinal = KeyOrdinal(AsView(rows_->key()));
      if (ordinal - first >= kMaxBlockSeries) break;
      auto rows = ParseSeriesBlock(AsView(rows_->value()));
      if (!rows || ordinal - first != cell->size() ||
          cell->size() + rows->size() > kMaxBlockSeries) {
        return dictionary_.Damage(
            fmt::format("malformed series row {} of tenant {}", ordinal, tenant_));
      }
      cell->insert(cell->end(), std::make_move_iterator(rows->begin()),
                   std::make_move_iterator(rows->end()));
    }
    LL_RETURN_IF_ERROR(Ended());
    if (series - first >= cell->size()) {
      return dictionary_.Damage(fmt::format("no row of series {} of tenant {}", series, tenant_));
    }
    dictionary_.cache_.Put<Cell>(key, cell, kSeriesBytes * cell->size());
    return std::shared_ptr<const Cell>(std::move(cell));
  }

  const Dictionary& dictionary_;
  const std::string_view tenant_;
  const uint64_t generation_;
  const std::unique_ptr<rocksdb::Iterator> rows_;
  mutable std::shared_ptr<const Cell> cell_;  // of SeriesAt
  mutable uint32_t cell_number_ = 0;
};

Dictionary::Dictionary(rocksdb::DB& db, std::shared_ptr<rocksdb::Cache> cache, std::string path)
    : db_(db), path_(std::move(path)), cache_(std::move(cache)) {}

absl::Status Dictionary::Damage(std::string_view what) const {
  return DamagedWindow(path_, fmt::format("window {}: {}", path_, what));
}

// --- Writing ---

absl::StatusOr<DictionaryWriter*> Dictionary::WriterOf(std::string_view tenant) {
  if (const auto it = writers_.find(tenant); it != writers_.end()) return it->second.get();
  auto writer = std::make_unique<DictionaryWriter>(tenant);
  rocksdb::ReadOptions once;
  once.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> rows(db_.NewIterator(once));
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
  absl::Status written = FromRocks(db_.Write(WithoutLog(), &batch), path_, "write");
  if (!written.ok()) {
    // The writer knows rows that are not there: it is made anew when it is next needed.
    writers_.erase(writers_.find(tenant));
    return written;
  }
  if (writer->TakeEntitiesChanged()) generation_.fetch_add(1);
  return absl::OkStatus();
}

// --- Reading ---

absl::StatusOr<bool> Dictionary::HasEntity(std::string_view tenant, const Id128& id) const {
  std::string ordinal;
  const rocksdb::Status read = db_.Get(rocksdb::ReadOptions(), EntityIdKey(tenant, id), &ordinal);
  if (read.IsNotFound()) return false;
  LL_RETURN_IF_ERROR(FromRocks(read, path_, "read the dictionary of"));
  return true;
}

absl::StatusOr<bool> Dictionary::HasSeriesOf(std::string_view tenant, const Id128& id) const {
  const Rows rows(*this, tenant);
  LL_ASSIGN_OR_RETURN(const auto entity, rows.EntityOf(id));
  if (!entity.has_value()) return false;
  Roaring series;
  LL_RETURN_IF_ERROR(rows.AddRow(RowKey(Table::kEntitySeries, tenant, *entity), series));
  return !series.isEmpty();
}

absl::Status Dictionary::Find(std::string_view tenant, const index::Matchers& matchers,
                              absl::Span<const Id128> also, std::vector<SeriesRef>& out) const {
  const Rows rows(*this, tenant);
  LL_ASSIGN_OR_RETURN(Roaring candidates, index::FindSeries(rows, matchers));
  for (const Id128& id : also) {
    LL_ASSIGN_OR_RETURN(const auto entity, rows.EntityOf(id));
    if (!entity.has_value()) continue;
    LL_RETURN_IF_ERROR(rows.AddRow(RowKey(Table::kEntitySeries, tenant, *entity), candidates));
  }
  absl::flat_hash_map<uint32_t, index::TimelinePtr> timelines;
  for (const uint32_t series : candidates) {
    LL_ASSIGN_OR_RETURN(const SeriesRow* const row, rows.SeriesAt(series));
    const auto [timeline, is_new] = timelines.try_emplace(row->entity);
    out.push_back({row->definition, nullptr, row->metric, series, row->rank});
    if (is_new) {
      LL_ASSIGN_OR_RETURN(timeline->second, rows.TimelineOf(row->entity));
    }
    out.back().timeline = timeline->second;
  }
  return absl::OkStatus();
}

absl::Status Dictionary::Timelines(std::string_view tenant,
                                   std::vector<index::TimelinePtr>& out) const {
  return Rows(*this, tenant).EachTimeline(out);
}

absl::Status Dictionary::LabelNames(std::string_view tenant, index::LabelsOf whose,
                                    Visit visit) const {
  return Rows(*this, tenant).EachName(whose, visit);
}

absl::Status Dictionary::LabelValues(std::string_view tenant, index::LabelsOf whose,
                                     std::string_view name, Visit visit) const {
  return Rows(*this, tenant)
      .EachLabel(
          LabelPrefix(tenant, whose, name, ""),
          [&](const ParsedLabel& label) -> absl::StatusOr<bool> { return visit(label.value); });
}

absl::Status Dictionary::EntitiesWith(
    std::string_view tenant, const index::LabelView& label,
    absl::FunctionRef<bool(const index::TimelinePtr&)> visit) const {
  const Rows rows(*this, tenant);
  Roaring entities;
  LL_RETURN_IF_ERROR(rows.AddWithLabel(index::LabelsOf::kEntity, label, entities));
  for (const uint32_t entity : entities) {
    Roaring series;
    LL_RETURN_IF_ERROR(rows.AddRow(RowKey(Table::kEntitySeries, tenant, entity), series));
    if (series.isEmpty()) continue;
    LL_ASSIGN_OR_RETURN(const index::TimelinePtr timeline, rows.TimelineOf(entity));
    if (timeline != nullptr && !visit(timeline)) break;
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::window
