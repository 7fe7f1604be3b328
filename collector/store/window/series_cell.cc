#include "collector/store/window/series_cell.h"

#include <limits>
#include <string>
#include <utility>

#include "absl/types/span.h"

#include "collector/store/codec/model_codec.h"
#include "common/labels.h"

namespace leadline::collector::store::window {
namespace {

using index::LabelId;
using index::LabelTable;

constexpr size_t kIdBytes = 16;

uint32_t ReadOrdinal(ByteReader& reader) {
  const uint64_t ordinal = reader.Varint();
  if (ordinal > std::numeric_limits<uint32_t>::max()) reader.Fail();
  return static_cast<uint32_t>(ordinal);
}

}  // namespace

struct SeriesCell::Block {
  size_t first_label = 0;       // in labels_
  std::vector<uint32_t> names;  // of its labels, as numbers in the order of the names
  uint32_t metric_name = std::numeric_limits<uint32_t>::max();  // among those
  size_t first_series = 0;
  std::vector<size_t> label_counts;  // of its series
};

SeriesCell::~SeriesCell() {
  for (const LabelId id : labels_) LabelTable::Get().Release(id);
}

bool SeriesCell::Add(std::string_view text) {
  ByteReader reader(text);
  Block block{.first_label = labels_.size(), .first_series = series_.size()};
  return reader.Byte() == kSeriesBlockVersion && ReadLabels(reader, block) &&
         ReadSeries(reader, block) && ReadLabelsOfSeries(reader, block) && reader.AtEnd();
}

// Names and values ascend, so that each is written as what differs from the one before.
bool SeriesCell::ReadLabels(ByteReader& reader, Block& block) {
  std::string_view name;
  std::string value;
  const size_t names = reader.Count(4);
  for (uint32_t i = 0; i < names; ++i) {
    const std::string_view before = name;
    name = reader.String();
    if (!reader.ok() || name <= before) return false;
    if (name == kMetricName) block.metric_name = i;
    value.clear();
    const size_t values = reader.Count(2);
    for (size_t k = 0; k < values; ++k) {
      const uint64_t shared = reader.Varint();
      const std::string_view rest = reader.String();
      if (!reader.ok() || shared > value.size()) return false;
      value.resize(shared);
      value += rest;
      if (value.empty()) return false;
      labels_.push_back(LabelTable::Get().Acquire({name, value}));
      block.names.push_back(i);
    }
  }
  return reader.ok();
}

bool SeriesCell::ReadSeries(ByteReader& reader, Block& block) {
  std::vector<std::pair<uint32_t, uint32_t>> metrics(reader.Count(2));
  for (auto& [ordinal, rank] : metrics) {
    ordinal = ReadOrdinal(reader);
    rank = ReadOrdinal(reader);
  }
  const size_t first_entity = entities_.size();
  const size_t entities = reader.Count(1 + kIdBytes);
  entities_.reserve(first_entity + entities);
  for (size_t i = 0; i < entities; ++i) {
    const uint32_t ordinal = ReadOrdinal(reader);
    entities_.push_back({ordinal, codec::ReadId(reader)});
  }
  const size_t count = reader.Count(4);
  if (count == 0 || count > kMaxBlockSeries) return false;
  series_.reserve(block.first_series + count);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t metric = reader.Varint();
    const uint64_t entity = reader.Varint();
    block.label_counts.push_back(reader.Count());
    if (!reader.ok() || metric >= metrics.size() || entity >= entities) return false;
    series_.push_back({.metric = metrics[metric].first,
                       .rank = metrics[metric].second++,
                       .entity = static_cast<uint32_t>(first_entity + entity)});
  }
  return true;
}

// Place by place as differences to the series before.
bool SeriesCell::ReadLabelsOfSeries(ByteReader& reader, const Block& block) {
  std::vector<uint64_t> numbers;
  for (size_t i = 0; i < block.label_counts.size(); ++i) {
    const size_t count = block.label_counts[i];
    if (count == 0) return false;
    if (numbers.size() < count) numbers.resize(count);
    for (size_t k = 0; k < count; ++k) {
      // Unsigned, so that whatever is read may be added.
      numbers[k] += static_cast<uint64_t>(reader.Signed());
      if (!reader.ok() || numbers[k] >= block.names.size()) return false;
      const uint32_t name = block.names[numbers[k]];
      // As Intern takes them: the metric's name, then others ascending by name.
      if (k == 0 && name != block.metric_name) return false;
      if (k > 1 && block.names[numbers[k - 1]] >= name) return false;
      labels_of_series_.push_back(labels_[block.first_label + numbers[k]]);
    }
    series_[block.first_series + i].labels_end = static_cast<uint32_t>(labels_of_series_.size());
  }
  labels_.shrink_to_fit();
  labels_of_series_.shrink_to_fit();
  return true;
}

SeriesRow SeriesCell::At(size_t i) const {
  const Series& series = series_[i];
  MutexLock lock(mutex_);
  if (definitions_.empty()) definitions_.resize(series_.size());
  index::DefinitionPtr& definition = definitions_[i];
  if (!definition) {
    const uint32_t begin = i == 0 ? 0 : series_[i - 1].labels_end;
    definition = index::Intern(
        entities_[series.entity].id,
        absl::MakeConstSpan(labels_of_series_).subspan(begin, series.labels_end - begin));
  }
  return {definition, series.metric, EntityOf(i), series.rank};
}

size_t SeriesCell::bytes() const {
  return sizeof(*this) + entities_.capacity() * sizeof(Entity) +
         series_.capacity() * (sizeof(Series) + sizeof(index::DefinitionPtr)) +
         (labels_.capacity() + labels_of_series_.capacity()) * sizeof(LabelId);
}

}  // namespace leadline::collector::store::window
