#include "collector/store/window/series_block.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"

#include "collector/store/codec/model_codec.h"
#include "common/bytes.h"
#include "common/labels.h"

namespace leadline::collector::store::window {
namespace {

using index::LabelId;
using index::LabelTable;
using index::LabelView;

constexpr uint8_t kBlockVersion = 1;
constexpr size_t kIdBytes = 16;

size_t SharedPrefix(std::string_view a, std::string_view b) {
  const size_t most = std::min(a.size(), b.size());
  size_t shared = 0;
  while (shared < most && a[shared] == b[shared]) ++shared;
  return shared;
}

// The labels of a block by number, kept while they are read.
class BlockLabels {
 public:
  BlockLabels() = default;
  ~BlockLabels() {
    for (const LabelId id : ids_) LabelTable::Get().Release(id);
  }
  BlockLabels(const BlockLabels&) = delete;
  BlockLabels& operator=(const BlockLabels&) = delete;

  // Names and values ascend, so that each is written as what differs from the one before.
  bool Read(ByteReader& reader) {
    std::string_view name;
    std::string value;
    const size_t names = reader.Count(4);
    for (uint32_t i = 0; i < names; ++i) {
      const std::string_view before = name;
      name = reader.String();
      if (!reader.ok() || name <= before) return false;
      if (name == kMetricName) metric_name_ = i;
      value.clear();
      const size_t values = reader.Count(2);
      for (size_t k = 0; k < values; ++k) {
        const uint64_t shared = reader.Varint();
        const std::string_view rest = reader.String();
        if (!reader.ok() || shared > value.size()) return false;
        value.resize(shared);
        value += rest;
        if (value.empty()) return false;
        ids_.push_back(LabelTable::Get().Acquire({name, value}));
        names_.push_back(i);
      }
    }
    return reader.ok();
  }

  size_t size() const { return ids_.size(); }
  LabelId operator[](size_t number) const { return ids_[number]; }

  // Whether they are what Intern takes: the metric's name, then others ascending by name.
  bool AreDefinition(absl::Span<const int64_t> numbers) const {
    if (numbers.empty() || names_[static_cast<size_t>(numbers[0])] != metric_name_) return false;
    for (size_t i = 1; i < numbers.size(); ++i) {
      const uint32_t name = names_[static_cast<size_t>(numbers[i])];
      if (i > 1 && names_[static_cast<size_t>(numbers[i - 1])] >= name) return false;
    }
    return true;
  }

 private:
  std::vector<LabelId> ids_;
  std::vector<uint32_t> names_;  // of each, as numbers that are in the order of the names
  uint32_t metric_name_ = std::numeric_limits<uint32_t>::max();
};

uint32_t ReadOrdinal(ByteReader& reader) {
  const uint64_t ordinal = reader.Varint();
  if (ordinal > std::numeric_limits<uint32_t>::max()) reader.Fail();
  return static_cast<uint32_t>(ordinal);
}

}  // namespace

std::string EncodeSeriesBlock(absl::Span<const SeriesRow> series) {
  const LabelTable& table = LabelTable::Get();
  absl::flat_hash_map<LabelId, uint32_t> numbers;
  std::vector<std::pair<LabelView, LabelId>> labels;
  absl::flat_hash_map<uint32_t, uint32_t> metric_numbers;
  std::vector<std::pair<uint32_t, uint32_t>> metrics;  // with their first rank
  absl::flat_hash_map<uint32_t, uint32_t> entity_numbers;
  std::vector<std::pair<uint32_t, Id128>> entities;
  for (const SeriesRow& row : series) {
    for (const LabelId id : row.definition->labels()) {
      if (numbers.try_emplace(id, 0).second) labels.emplace_back(table.View(id), id);
    }
    if (metric_numbers.try_emplace(row.metric, metrics.size()).second) {
      metrics.emplace_back(row.metric, row.rank);
    }
    if (entity_numbers.try_emplace(row.entity, entities.size()).second) {
      entities.emplace_back(row.entity, row.definition->entity());
    }
  }
  std::sort(labels.begin(), labels.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (uint32_t i = 0; i < labels.size(); ++i) numbers[labels[i].second] = i;

  std::string out(1, static_cast<char>(kBlockVersion));
  size_t names = 0;
  std::string by_name;
  for (size_t first = 0; first < labels.size(); ++names) {
    const std::string_view name = labels[first].first.name;
    size_t end = first;
    while (end < labels.size() && labels[end].first.name == name) ++end;
    AppendString(name, by_name);
    AppendVarint(end - first, by_name);
    std::string_view before;
    for (; first < end; ++first) {
      const std::string_view value = labels[first].first.value;
      const size_t shared = SharedPrefix(before, value);
      AppendVarint(shared, by_name);
      AppendString(value.substr(shared), by_name);
      before = value;
    }
  }
  AppendVarint(names, out);
  out += by_name;
  AppendVarint(metrics.size(), out);
  for (const auto& [ordinal, rank] : metrics) {
    AppendVarint(ordinal, out);
    AppendVarint(rank, out);
  }
  AppendVarint(entities.size(), out);
  for (const auto& [ordinal, id] : entities) {
    AppendVarint(ordinal, out);
    codec::AppendId(id, out);
  }
  AppendVarint(series.size(), out);
  for (const SeriesRow& row : series) {
    AppendVarint(metric_numbers[row.metric], out);
    AppendVarint(entity_numbers[row.entity], out);
    AppendVarint(row.definition->labels().size(), out);
  }
  // Against the series before, place by place: what neighbours share is a zero.
  std::vector<int64_t> before;
  for (const SeriesRow& row : series) {
    const absl::Span<const LabelId> ids = row.definition->labels();
    if (before.size() < ids.size()) before.resize(ids.size());
    for (size_t i = 0; i < ids.size(); ++i) {
      const int64_t number = numbers[ids[i]];
      AppendSigned(number - before[i], out);
      before[i] = number;
    }
  }
  return out;
}

std::optional<std::vector<SeriesRow>> ParseSeriesBlock(std::string_view block) {
  ByteReader reader(block);
  if (reader.Byte() != kBlockVersion) return std::nullopt;
  BlockLabels labels;
  if (!labels.Read(reader)) return std::nullopt;
  std::vector<std::pair<uint32_t, uint32_t>> metrics(reader.Count(2));
  for (auto& [ordinal, rank] : metrics) {
    ordinal = ReadOrdinal(reader);
    rank = ReadOrdinal(reader);
  }
  std::vector<std::pair<uint32_t, Id128>> entities(reader.Count(1 + kIdBytes));
  for (auto& [ordinal, id] : entities) {
    ordinal = ReadOrdinal(reader);
    id = codec::ReadId(reader);
  }
  const size_t count = reader.Count(4);
  if (count == 0 || count > kMaxBlockSeries) return std::nullopt;
  std::vector<SeriesRow> series(count);
  std::vector<std::pair<uint64_t, uint64_t>> shapes(count);  // entity, number of labels
  for (size_t i = 0; i < count; ++i) {
    const uint64_t metric = reader.Varint();
    shapes[i].first = reader.Varint();
    shapes[i].second = reader.Count();
    if (!reader.ok() || metric >= metrics.size() || shapes[i].first >= entities.size()) {
      return std::nullopt;
    }
    series[i].metric = metrics[metric].first;
    series[i].rank = metrics[metric].second++;
  }
  std::vector<int64_t> before;
  std::vector<LabelId> ids;
  for (size_t i = 0; i < count; ++i) {
    ids.clear();
    for (size_t k = 0; k < shapes[i].second; ++k) {
      if (k == before.size()) before.push_back(0);
      // Unsigned, so that whatever is read may be added.
      before[k] = static_cast<int64_t>(static_cast<uint64_t>(before[k]) +
                                       static_cast<uint64_t>(reader.Signed()));
      if (!reader.ok() || before[k] < 0 || static_cast<size_t>(before[k]) >= labels.size()) {
        return std::nullopt;
      }
      ids.push_back(labels[static_cast<size_t>(before[k])]);
    }
    if (!labels.AreDefinition(absl::MakeConstSpan(before).subspan(0, ids.size()))) {
      return std::nullopt;
    }
    const auto& [entity, id] = entities[shapes[i].first];
    series[i].entity = entity;
    series[i].definition = index::Intern(id, ids);
  }
  if (!reader.ok() || !reader.AtEnd()) return std::nullopt;
  return series;
}

}  // namespace leadline::collector::store::window
