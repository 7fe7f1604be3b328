#include "collector/store/record/exemplars.h"

#include <xxhash.h>

#include <algorithm>
#include <vector>

#include "collector/store/codec/model_codec.h"
#include "collector/store/record/rows.h"
#include "common/bytes.h"

namespace leadline::collector::store::record {
namespace {

// Of an exemplar's key.
constexpr size_t kKeyIdBytes = 16;
constexpr size_t kKeyTimeBytes = 8;
constexpr size_t kKeyHashBytes = 8;
constexpr size_t kExemplarKeyBytes = kKeyIdBytes + kKeyTimeBytes + kKeyHashBytes;

std::string ExemplarKey(const Id128& series, int64_t ts_ms, uint64_t hash) {
  std::string key = series.ToBytes();
  AppendBigEndian(static_cast<uint64_t>(ts_ms), kKeyTimeBytes, key);
  AppendBigEndian(hash, kKeyHashBytes, key);
  return key;
}

}  // namespace

Id128 ExemplarSeriesId(absl::Span<const LabelView> labels) {
  const auto by_name = [](const LabelView& a, const LabelView& b) { return a.name < b.name; };
  if (!std::is_sorted(labels.begin(), labels.end(), by_name)) {
    std::vector<LabelView> sorted(labels.begin(), labels.end());
    std::sort(sorted.begin(), sorted.end(), by_name);
    return ExemplarSeriesId(sorted);
  }
  std::string bytes;
  for (const LabelView& label : labels) {
    AppendString(label.name, bytes);
    AppendString(label.value, bytes);
  }
  return HashId({"exemplars", bytes});
}

Id128 ExemplarSeriesId(const model::SeriesDefinition& series) {
  std::vector<LabelView> labels = {{kMetricName, series.metric}};
  for (const Label& label : series.residual) labels.push_back({label.name, label.value});
  return ExemplarSeriesId(labels);
}

model::Record OfExemplar(const Id128& series, const model::Exemplar& exemplar) {
  model::Record record{.table = model::RecordTable::kExemplars, .ts_ms = exemplar.ts_ms};
  codec::AppendFloat(exemplar.value, record.value);
  codec::AppendLabels(exemplar.labels, record.value);
  record.key =
      ExemplarKey(series, exemplar.ts_ms, XXH3_64bits(record.value.data(), record.value.size()));
  return record;
}

std::optional<model::Exemplar> AsExemplar(const model::Record& record) {
  ByteReader reader(record.value);
  model::Exemplar exemplar{.ts_ms = record.ts_ms};
  exemplar.value = codec::ReadFloat(reader);
  exemplar.labels = codec::ReadLabels(reader);
  if (!reader.ok() || !reader.AtEnd()) return std::nullopt;
  return exemplar;
}

KeyRange ExemplarKeys(const Id128& series, int64_t start_ms, int64_t end_ms) {
  return {.first = ExemplarKey(series, start_ms, 0),
          .last = ExemplarKey(series, end_ms, UINT64_MAX)};
}

std::optional<Id128> SeriesOfExemplarKey(std::string_view key) {
  if (key.size() != kExemplarKeyBytes) return std::nullopt;
  return Id128::FromBytes(key.substr(0, kKeyIdBytes));
}

}  // namespace leadline::collector::store::record
