#include "collector/store/window/dictionary_reader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>

#include "collector/store/window/postings_row.h"
#include "collector/store/window/rocks.h"
#include "common/bytes.h"
#include "common/status_macros.h"
#include "common/string_map.h"

namespace leadline::collector::store::window {
namespace {

// Looking up a series' entity costs about this part of reading the row of an entity's series.
constexpr uint64_t kLooksARow = 8;
// From so many on the rows of all entities of a cell are read, for others to come too.
constexpr size_t kEntitiesACell = 2;
// What a value of a label takes, about, while they are gathered.
constexpr size_t kValueBytes = 2 * sizeof(LabelValue);

}  // namespace

DictionaryReader::DictionaryReader(const DictionarySource& source, std::string_view tenant)
    : DictionaryReader(source, tenant, Reading()) {}

DictionaryReader::DictionaryReader(const DictionarySource& source, std::string_view tenant,
                                   const rocksdb::ReadOptions& options)
    : source_(source),
      tenant_(tenant),
      rows_(source.db.NewIterator(options)),
      is_one_state_(source.writes % 2 == 0 && source.writes_now.load() == source.writes) {}

DictionaryReader::~DictionaryReader() = default;

absl::Status DictionaryReader::AddAllSeries(Roaring& out) const {
  LL_ASSIGN_OR_RETURN(const auto last, LastOrdinal(Table::kSeries));
  if (!last.has_value()) return absl::OkStatus();
  LL_ASSIGN_OR_RETURN(const auto cell, CellOf(*last));
  out.addRange(0, uint64_t{*last} / kMaxBlockSeries * kMaxBlockSeries + cell->size());
  return absl::OkStatus();
}

absl::Status DictionaryReader::AddWithLabel(index::LabelsOf whose, const index::LabelView& label,
                                            Roaring& out) const {
  return AddRow(LabelKey(tenant_, whose, label), out);
}

absl::Status DictionaryReader::AddWithValues(index::LabelsOf whose, std::string_view name,
                                             std::string_view prefix, Wanted wanted,
                                             Roaring& out) const {
  return EachLabel(LabelPrefix(tenant_, whose, name, prefix),
                   [&](const ParsedLabel& label) -> absl::StatusOr<bool> {
                     if (!wanted(label.value)) return true;
                     if (!ReadPostings(AsView(rows_->value()), out)) return BadPostings();
                     return true;
                   });
}

absl::Status DictionaryReader::AddSeriesOf(const Roaring& entities, const Roaring* within,
                                           Roaring& out) const {
  if (within != nullptr && within->cardinality() < kLooksARow * entities.cardinality()) {
    for (const uint32_t series : *within) {
      LL_RETURN_IF_ERROR(FindCell(series));
      if (entities.contains(cell_->EntityOf(series % kMaxBlockSeries))) out.add(series);
    }
    return absl::OkStatus();
  }
  for (auto it = entities.begin(); it != entities.end();) {
    const uint32_t first = *it;
    const uint32_t cell_number = first / kMaxBlockSeries;
    auto end = it;
    size_t count = 0;
    for (; end != entities.end() && *end / kMaxBlockSeries == cell_number; ++end) ++count;
    LL_ASSIGN_OR_RETURN(const auto cell, EntityCellOf(first, count >= kEntitiesACell));
    for (; it != end; ++it) {
      if (cell == nullptr) {
        LL_RETURN_IF_ERROR(AddSeriesOf(*it, out));
      } else if (!ReadPostings(cell->RowOf(*it), out)) {
        return BadPostings();
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<uint32_t>> DictionaryReader::EntityOf(const Id128& id) const {
  const std::string key = EntityIdKey(tenant_, id);
  rows_->Seek(key);
  if (!rows_->Valid() || rows_->key() != rocksdb::Slice(key)) {
    LL_RETURN_IF_ERROR(Ended());
    return std::nullopt;
  }
  ByteReader reader(AsView(rows_->value()));
  const uint64_t ordinal = reader.Varint();
  if (!reader.ok() || !reader.AtEnd() || ordinal > UINT32_MAX) {
    return Damage("malformed ordinal of an entity");
  }
  return static_cast<uint32_t>(ordinal);
}

absl::Status DictionaryReader::AddSeriesOf(uint32_t entity, Roaring& out) const {
  return AddRow(RowKey(Table::kEntitySeries, tenant_, entity), out);
}

absl::Status DictionaryReader::FindCell(uint32_t series) const {
  // A cell that was parsed before may lack what came to it since.
  if (cell_ == nullptr || cell_number_ != series / kMaxBlockSeries ||
      series % kMaxBlockSeries >= cell_->size()) {
    LL_ASSIGN_OR_RETURN(cell_, CellOf(series));
    cell_number_ = series / kMaxBlockSeries;
  }
  return absl::OkStatus();
}

absl::StatusOr<SeriesRow> DictionaryReader::SeriesAt(uint32_t series) const {
  LL_RETURN_IF_ERROR(FindCell(series));
  return cell_->At(series % kMaxBlockSeries);
}

absl::StatusOr<index::TimelinePtr> DictionaryReader::TimelineOf(uint32_t entity) const {
  const std::string key = RowKey(Table::kEntity, tenant_, entity);
  const std::string cached = key + std::to_string(source_.entities);
  if (auto known = source_.cache.Get<model::EntityTimeline>(cached)) return known;
  MoveTo(key);
  if (!rows_->Valid() || rows_->key() != rocksdb::Slice(key)) {
    LL_RETURN_IF_ERROR(Ended());
    return Damage(fmt::format("no row of entity {}", entity));
  }
  LL_ASSIGN_OR_RETURN(index::TimelinePtr timeline, ParsedTimeline());
  if (timeline != nullptr) {
    source_.cache.Put<model::EntityTimeline>(cached, timeline, index::BytesOf(*timeline));
  }
  return timeline;
}

absl::Status DictionaryReader::EachTimeline(std::vector<index::TimelinePtr>& out) const {
  return EachRow(Table::kEntity, [&](uint32_t) -> absl::Status {
    LL_ASSIGN_OR_RETURN(index::TimelinePtr timeline, ParsedTimeline());
    if (timeline != nullptr) out.push_back(std::move(timeline));
    return absl::OkStatus();
  });
}

absl::Status DictionaryReader::EachName(index::LabelsOf whose, Visit visit) const {
  const std::string prefix = TablePrefix(LabelTableOf(whose), tenant_);
  rows_->Seek(prefix);
  while (rows_->Valid() && rows_->key().starts_with(AsSlice(prefix))) {
    const auto label = ParseLabelKey(AsView(rows_->key()), tenant_.size());
    if (!label) return Damage("malformed key of a label");
    if (!visit(label->name)) return absl::OkStatus();
    rows_->Seek(AfterName(tenant_, whose, label->name));
  }
  return Ended();
}

absl::Status DictionaryReader::EachValue(index::LabelsOf whose, std::string_view name,
                                         Visit visit) const {
  return EachLabel(
      LabelPrefix(tenant_, whose, name, ""),
      [&](const ParsedLabel& label) -> absl::StatusOr<bool> { return visit(label.value); });
}

absl::StatusOr<std::shared_ptr<const LabelValueList>> DictionaryReader::TimedValues(
    std::string_view name, const CallLimits& limits) const {
  const std::string key = CacheKey("values", name);
  if (auto known = source_.cache.Get<LabelValueList>(key)) return known;
  CallMeter meter(limits);
  std::vector<LabelValue> of_series;
  absl::Status counted;
  LL_RETURN_IF_ERROR(EachValue(index::LabelsOf::kSeries, name, [&](std::string_view value) {
    counted = meter.Step(kValueBytes + value.size());
    if (counted.ok()) of_series.push_back({.value = std::string(value), .of_series = true});
    return counted.ok();
  }));
  LL_RETURN_IF_ERROR(counted);
  LL_ASSIGN_OR_RETURN(std::vector<LabelValue> of_entities, TimedEntityValues(name, meter));
  auto values =
      std::make_shared<const LabelValueList>(Union(std::move(of_series), std::move(of_entities)));
  source_.cache.Put<LabelValueList>(key, values, values->bytes());
  return std::shared_ptr<const LabelValueList>(std::move(values));
}

// Rows lie in the order of their tables, so they are read first, and looked at then.
absl::Status DictionaryReader::WarmUp(MayReadOn go_on) const {
  for (const Table table : {Table::kSeriesLabel, Table::kEntityLabel, Table::kEntityId,
                            Table::kEntitySeries, Table::kEntity, Table::kSeries}) {
    const std::string prefix = TablePrefix(table, tenant_);
    rows_->Seek(prefix);
    while (rows_->Valid() && rows_->key().starts_with(AsSlice(prefix))) {
      if (!go_on()) return absl::OkStatus();
      rows_->Next();
    }
    LL_RETURN_IF_ERROR(Ended());
  }
  StringSet names;
  for (const index::LabelsOf whose : {index::LabelsOf::kSeries, index::LabelsOf::kEntity}) {
    LL_RETURN_IF_ERROR(EachName(whose, [&](std::string_view name) {
      names.emplace(name);
      return true;
    }));
  }
  for (const std::string& name : names) {
    if (!go_on()) return absl::OkStatus();
    LL_RETURN_IF_ERROR(TimedValues(name, CallLimits()).status());
  }
  LL_ASSIGN_OR_RETURN(const auto last_series, LastOrdinal(Table::kSeries));
  for (int64_t first = last_series ? *last_series : -1; first >= 0; first -= kMaxBlockSeries) {
    if (!go_on()) return absl::OkStatus();
    LL_RETURN_IF_ERROR(CellOf(static_cast<uint32_t>(first)).status());
  }
  LL_ASSIGN_OR_RETURN(const auto last_entity, LastOrdinal(Table::kEntity));
  for (int64_t entity = last_entity ? *last_entity : -1; entity >= 0; --entity) {
    if (!go_on()) return absl::OkStatus();
    LL_RETURN_IF_ERROR(TimelineOf(static_cast<uint32_t>(entity)).status());
    if (entity % kMaxBlockSeries == 0) {
      LL_RETURN_IF_ERROR(EntityCellOf(static_cast<uint32_t>(entity), /*reads=*/true).status());
    }
  }
  return absl::OkStatus();
}

// --- How rows are read ---

absl::Status DictionaryReader::Ended() const {
  return FromRocks(rows_->status(), source_.path, "read the dictionary of");
}

absl::Status DictionaryReader::Damage(std::string_view what) const {
  return DamagedWindow(source_.path, fmt::format("window {}: {}", source_.path, what));
}

absl::Status DictionaryReader::BadEntity() const {
  return Damage(fmt::format("malformed entity row {} of tenant {}",
                            KeyOrdinal(AsView(rows_->key())), tenant_));
}

absl::Status DictionaryReader::BadPostings() const { return Damage("malformed postings"); }

absl::Status DictionaryReader::EachLabel(
    const std::string& prefix,
    absl::FunctionRef<absl::StatusOr<bool>(const ParsedLabel&)> visit) const {
  for (rows_->Seek(prefix); rows_->Valid() && rows_->key().starts_with(AsSlice(prefix));
       rows_->Next()) {
    const auto label = ParseLabelKey(AsView(rows_->key()), tenant_.size());
    if (!label) return Damage("malformed key of a label");
    LL_ASSIGN_OR_RETURN(const bool more, visit(*label));
    if (!more) return absl::OkStatus();
  }
  return Ended();
}

absl::Status DictionaryReader::EachRow(
    Table table, absl::FunctionRef<absl::Status(uint32_t ordinal)> visit) const {
  const std::string prefix = TablePrefix(table, tenant_);
  for (rows_->Seek(prefix); rows_->Valid() && rows_->key().starts_with(AsSlice(prefix));
       rows_->Next()) {
    LL_RETURN_IF_ERROR(visit(KeyOrdinal(AsView(rows_->key()))));
  }
  return Ended();
}

void DictionaryReader::MoveTo(const std::string& key) const {
  if (rows_->Valid() && AsView(rows_->key()) < key) {
    rows_->Next();
    if (rows_->Valid() && AsView(rows_->key()) == key) return;
  }
  rows_->Seek(key);
}

absl::StatusOr<std::optional<uint32_t>> DictionaryReader::LastOrdinal(Table table) const {
  rows_->SeekForPrev(RowKey(table, tenant_, UINT32_MAX));
  if (rows_->Valid() && rows_->key().starts_with(AsSlice(TablePrefix(table, tenant_)))) {
    return KeyOrdinal(AsView(rows_->key()));
  }
  LL_RETURN_IF_ERROR(Ended());
  return std::nullopt;
}

absl::Status DictionaryReader::AddRow(const std::string& key, Roaring& out) const {
  rows_->Seek(key);
  if (!rows_->Valid() || rows_->key() != rocksdb::Slice(key)) return Ended();
  return ReadPostings(AsView(rows_->value()), out) ? absl::OkStatus() : BadPostings();
}

absl::StatusOr<index::TimelinePtr> DictionaryReader::ParsedTimeline() const {
  auto row = ParseEntityRow(AsView(rows_->value()));
  if (!row) return BadEntity();
  if (row->timeline.empty()) return index::TimelinePtr();
  return index::Intern(std::move(row->timeline));
}

absl::StatusOr<std::shared_ptr<const SeriesCell>> DictionaryReader::CellOf(uint32_t series) const {
  const uint32_t first = series / kMaxBlockSeries * kMaxBlockSeries;
  const std::string key = RowKey(Table::kSeries, tenant_, first);
  // A cell may grow after it was parsed.
  if (auto known = source_.cache.Get<SeriesCell>(key); known && series - first < known->size()) {
    return known;
  }
  const std::string prefix = TablePrefix(Table::kSeries, tenant_);
  auto cell = std::make_shared<SeriesCell>();
  for (rows_->Seek(key); rows_->Valid() && rows_->key().starts_with(AsSlice(prefix));
       rows_->Next()) {
    const uint32_t ordinal = KeyOrdinal(AsView(rows_->key()));
    if (ordinal - first >= kMaxBlockSeries) break;
    if (ordinal - first != cell->size() || !cell->Add(AsView(rows_->value())) ||
        cell->size() > kMaxBlockSeries) {
      return Damage(fmt::format("malformed series row {} of tenant {}", ordinal, tenant_));
    }
  }
  LL_RETURN_IF_ERROR(Ended());
  if (series - first >= cell->size()) {
    return Damage(fmt::format("no row of series {} of tenant {}", series, tenant_));
  }
  source_.cache.Put<SeriesCell>(key, cell, cell->bytes());
  return std::shared_ptr<const SeriesCell>(std::move(cell));
}

absl::StatusOr<std::shared_ptr<const DictionaryReader::EntityCell>> DictionaryReader::EntityCellOf(
    uint32_t entity, bool reads) const {
  if (!is_one_state_) return nullptr;
  const uint32_t first = entity / kMaxBlockSeries * kMaxBlockSeries;
  const std::string first_key = RowKey(Table::kEntitySeries, tenant_, first);
  const std::string cached = first_key + std::to_string(source_.writes);
  auto known = source_.cache.Get<EntityCell>(cached);
  if (known != nullptr || !reads) return known;
  auto cell = std::make_shared<EntityCell>();
  uint32_t place = 0;
  const std::string prefix = TablePrefix(Table::kEntitySeries, tenant_);
  for (rows_->Seek(first_key); rows_->Valid() && rows_->key().starts_with(AsSlice(prefix));
       rows_->Next()) {
    const uint32_t at = KeyOrdinal(AsView(rows_->key())) - first;
    if (at >= kMaxBlockSeries) break;
    while (place < at) cell->ends[place++] = static_cast<uint32_t>(cell->rows.size());
    cell->rows += AsView(rows_->value());
    cell->ends[place++] = static_cast<uint32_t>(cell->rows.size());
  }
  LL_RETURN_IF_ERROR(Ended());
  while (place < kMaxBlockSeries) cell->ends[place++] = static_cast<uint32_t>(cell->rows.size());
  source_.cache.Put<EntityCell>(cached, cell, sizeof(EntityCell) + cell->rows.size());
  return std::shared_ptr<const EntityCell>(std::move(cell));
}

absl::StatusOr<std::shared_ptr<const Roaring>> DictionaryReader::EntitiesWithSeries(
    CallMeter& meter) const {
  const std::string key = CacheKey("entities with series", "");
  if (auto known = source_.cache.Get<Roaring>(key)) return known;
  auto entities = std::make_shared<Roaring>();
  LL_RETURN_IF_ERROR(EachRow(Table::kEntitySeries, [&](uint32_t entity) {
    entities->add(entity);
    return meter.Step();
  }));
  source_.cache.Put<Roaring>(key, entities, entities->getSizeInBytes());
  return std::shared_ptr<const Roaring>(std::move(entities));
}

absl::StatusOr<std::vector<LabelValue>> DictionaryReader::TimedEntityValues(
    std::string_view name, CallMeter& meter) const {
  const std::string prefix = LabelPrefix(tenant_, index::LabelsOf::kEntity, name, "");
  rows_->Seek(prefix);
  if (!rows_->Valid() || !rows_->key().starts_with(AsSlice(prefix))) {
    LL_RETURN_IF_ERROR(Ended());
    return std::vector<LabelValue>();
  }
  LL_ASSIGN_OR_RETURN(const auto with_series, EntitiesWithSeries(meter));
  StringMap<LabelValue> values;
  VersionLabels versions;
  LL_RETURN_IF_ERROR(EachRow(Table::kEntity, [&](uint32_t entity) -> absl::Status {
    if (!with_series->contains(entity)) return meter.Step();
    if (!ParseEntityLabel(AsView(rows_->value()), name, versions)) return BadEntity();
    const size_t before = values.size();
    AddVersions(versions, values);
    return meter.Step((values.size() - before) * kValueBytes);
  }));
  return InOrder(std::move(values));
}

std::string DictionaryReader::CacheKey(std::string_view what, std::string_view name) const {
  return fmt::format("{} {} {:03}{}{}", what, source_.writes, tenant_.size(), tenant_, name);
}

}  // namespace leadline::collector::store::window
