#include "collector/store/window/series_block.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"

#include "collector/store/codec/model_codec.h"
#include "collector/store/window/series_cell.h"
#include "common/bytes.h"

namespace leadline::collector::store::window {
namespace {

using index::LabelId;
using index::LabelTable;
using index::LabelView;

size_t SharedPrefix(std::string_view a, std::string_view b) {
  const size_t most = std::min(a.size(), b.size());
  size_t shared = 0;
  while (shared < most && a[shared] == b[shared]) ++shared;
  return shared;
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

  std::string out(1, static_cast<char>(kSeriesBlockVersion));
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
  SeriesCell cell;
  if (!cell.Add(block)) return std::nullopt;
  std::vector<SeriesRow> series;
  for (size_t i = 0; i < cell.size(); ++i) series.push_back(cell.At(i));
  return series;
}

}  // namespace leadline::collector::store::window
