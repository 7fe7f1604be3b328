#include "collector/store/codec/histograms.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

#include "collector/store/codec/floats.h"
#include "collector/store/codec/integers.h"
#include "collector/store/codec/model_codec.h"
#include "collector/store/codec/residuals.h"
#include "common/wide.h"

namespace leadline::collector::store::codec {
namespace {

using model::NativeHistogram;
using Buckets = std::vector<NativeHistogram::Bucket>;

// A column has a mode byte and a varint at least.
constexpr size_t kLeastColumnBytes = 2;

constexpr int64_t kMaxHint = static_cast<int64_t>(model::ResetHint::kGauge);

// Columns of the counts of histograms: the integers of those that have whole ones, then the floats
// of the others.
class CountEncoder {
 public:
  explicit CountEncoder(absl::Span<const NativeHistogram> values) : values_(values) {
    for (const NativeHistogram& value : values) floats_ += value.float_counts ? 1 : 0;
    whole_counts_.reserve(values.size() - floats_);
    float_counts_.reserve(floats_);
  }

  // get(i): the count of histogram i. Called once for each, ascending.
  template <typename Get>
  void Encode(Get get, std::string& out) {
    whole_counts_.clear();
    float_counts_.clear();
    for (size_t i = 0; i < values_.size(); ++i) {
      const uint64_t count = get(i);
      if (floats_ > 0 && values_[i].float_counts) {
        float_counts_.push_back(std::bit_cast<double>(count));
      } else {
        whole_counts_.push_back(static_cast<int64_t>(count));
      }
    }
    if (!whole_counts_.empty()) EncodeIntegers(whole_counts_, out);
    if (!float_counts_.empty()) EncodeFloats(float_counts_, out);
  }

 private:
  absl::Span<const NativeHistogram> values_;
  size_t floats_ = 0;
  std::vector<int64_t> whole_counts_;  // scratch
  std::vector<double> float_counts_;   // scratch
};

// Which of a run's histograms have float counts.
struct CountKinds {
  const int64_t* hints = nullptr;  // with kFloatCounts
  size_t floats = 0;

  bool IsFloat(size_t i) const { return (hints[i] & kFloatCounts) != 0; }
  // A count of histogram `i` as a number.
  double AsDouble(size_t i, int64_t count) const {
    return floats > 0 && IsFloat(i) ? std::bit_cast<double>(count)
                                    : static_cast<double>(static_cast<uint64_t>(count));
  }
};

// A column of counts, floats as their bits.
void DecodeCounts(ByteReader& reader, const CountKinds& kinds, absl::Span<int64_t> column) {
  if (kinds.floats == 0) return DecodeIntegers(reader, column);
  int64_t whole_counts[kMaxColumn];
  double float_counts[kMaxColumn];
  const size_t wholes = column.size() - kinds.floats;
  if (wholes > 0) DecodeIntegers(reader, absl::MakeSpan(whole_counts, wholes));
  DecodeFloats(reader, absl::MakeSpan(float_counts, kinds.floats));
  if (!reader.ok()) return;
  const int64_t* next_whole = whole_counts;
  const double* next_float = float_counts;
  for (size_t i = 0; i < column.size(); ++i) {
    column[i] = kinds.IsFloat(i) ? std::bit_cast<int64_t>(*next_float++) : *next_whole++;
  }
}

template <typename Get>
void EncodeIntegerField(absl::Span<const NativeHistogram> values, Get get, std::string& out) {
  std::vector<int64_t> column;
  column.reserve(values.size());
  for (const NativeHistogram& value : values) column.push_back(static_cast<int64_t>(get(value)));
  EncodeIntegers(column, out);
}

template <typename Get>
void EncodeFloatField(absl::Span<const NativeHistogram> values, Get get, std::string& out) {
  std::vector<double> column;
  column.reserve(values.size());
  for (const NativeHistogram& value : values) column.push_back(get(value));
  EncodeFloats(column, out);
}

// Those of all buckets, ascending. Few histograms have one that none before them had.
std::vector<int32_t> IndicesOf(absl::Span<const NativeHistogram> values,
                               Buckets NativeHistogram::*field) {
  std::vector<int32_t> indices;
  std::vector<int32_t> own;
  std::vector<int32_t> all;
  for (const NativeHistogram& value : values) {
    const Buckets& buckets = value.*field;
    auto at = indices.begin();
    const bool are_known = std::all_of(buckets.begin(), buckets.end(), [&](const auto& bucket) {
      at = std::find_if(at, indices.end(), [&](int32_t index) { return index >= bucket.index; });
      return at != indices.end() && *at == bucket.index;
    });
    if (are_known) continue;
    own.clear();
    for (const auto& bucket : buckets) own.push_back(bucket.index);
    all.clear();
    std::set_union(indices.begin(), indices.end(), own.begin(), own.end(), std::back_inserter(all));
    indices.swap(all);
  }
  return indices;
}

void EncodeBuckets(absl::Span<const NativeHistogram> values, Buckets NativeHistogram::*field,
                   CountEncoder& counts, std::string& out) {
  const std::vector<int32_t> indices = IndicesOf(values, field);
  AppendVarint(indices.size(), out);
  std::vector<size_t> next(values.size());  // of each histogram, its first bucket not yet written
  int64_t previous = 0;
  for (const int32_t index : indices) {
    AppendSigned(index - previous, out);
    previous = index;
    const auto count_of = [&](size_t i) {
      const Buckets& buckets = values[i].*field;
      const bool has = next[i] < buckets.size() && buckets[next[i]].index == index;
      return has ? buckets[next[i]++].count : 0;
    };
    counts.Encode(count_of, out);
  }
}

// The buckets of one sign: calls use(columns, index, column) for each index, ascending, with how
// many there are and the counts of all histograms.
template <typename Use>
bool DecodeBucketColumns(ByteReader& reader, size_t count, const CountKinds& kinds,
                         size_t max_cells, Use use) {
  const size_t columns = reader.Count(kLeastColumnBytes);
  if (columns > max_cells / count) reader.Fail();
  if (!reader.ok()) return false;
  int64_t index = 0;
  int64_t column[kMaxColumn];
  for (size_t i = 0; i < columns; ++i) {
    const int64_t step = reader.Signed();
    if (step < std::numeric_limits<int32_t>::min() - index ||
        step > std::numeric_limits<int32_t>::max() - index || (i > 0 && step <= 0)) {
      reader.Fail();
      return false;
    }
    index += step;
    DecodeCounts(reader, kinds, absl::MakeSpan(column, count));
    if (!reader.ok()) return false;
    use(columns, static_cast<int32_t>(index), column);
  }
  return true;
}

void DecodeBuckets(ByteReader& reader, size_t count, const CountKinds& kinds, const RunPart& part,
                   size_t max_cells, Buckets NativeHistogram::*field, NativeHistogram* values) {
  const size_t rows = part.size();
  std::vector<int32_t> indices;
  std::vector<int64_t> cells;          // by column; floats as their bits
  std::vector<uint32_t> filled(rows);  // cells of each row
  const auto keep = [&](size_t columns, int32_t index, const int64_t* column) {
    if (indices.empty()) cells.reserve(columns * rows);
    indices.push_back(index);
    for (size_t j = 0; j < rows; ++j) filled[j] += column[part.begin + j] != 0 ? 1 : 0;
    cells.insert(cells.end(), column + part.begin, column + part.end);
  };
  if (!DecodeBucketColumns(reader, count, kinds, max_cells, keep)) return;
  for (size_t j = 0; j < rows; ++j) {
    Buckets& buckets = values[j].*field;
    buckets.reserve(filled[j]);
    for (size_t i = 0; i < indices.size(); ++i) {
      const int64_t cell = cells[i * rows + j];
      if (cell != 0) buckets.push_back({indices[i], static_cast<uint64_t>(cell)});
    }
  }
}

// Whole numbers as doubles, which are right unless it gives true: some are of 2^52 and more.
LEADLINE_INLINE bool ToDoublesBelow(const int64_t* counts, size_t count, double* out) {
  constexpr uint64_t kTwoTo52 = uint64_t{0x433} << 52;  // as a double
  uint64_t all = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto whole = static_cast<uint64_t>(counts[i]);
    all |= whole;
    // A double's lowest bits, where it is 2^52 and so much.
    out[i] = std::bit_cast<double>(whole | kTwoTo52) - std::bit_cast<double>(kTwoTo52);
  }
  return all >> 52 != 0;
}

LEADLINE_AVX2 bool ToDoublesBelowWide(const int64_t* counts, size_t count, double* out) {
  return ToDoublesBelow(counts, count, out);
}

// Counts, floats as their bits, as numbers.
void ToDoubles(const int64_t* column, const CountKinds& kinds, const RunPart& part, double* out) {
  const int64_t* const counts = column + part.begin;
  if (kinds.floats == 0) {
    const bool is_wrong = HasAvx2() ? ToDoublesBelowWide(counts, part.size(), out)
                                    : ToDoublesBelow(counts, part.size(), out);
    if (!is_wrong) return;
  }
  for (size_t i = part.begin; i < part.end; ++i) *out++ = kinds.AsDouble(i, column[i]);
}

// By bits, so that 0 and -0 differ.
struct BoundsLess {
  bool operator()(const std::vector<double>& a, const std::vector<double>& b) const {
    const auto less = [](double x, double y) {
      return std::bit_cast<uint64_t>(x) < std::bit_cast<uint64_t>(y);
    };
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), less);
  }
};

// Lists of bounds that differ, and of each histogram the number of its own, from 1; 0 has none.
void EncodeBounds(absl::Span<const NativeHistogram> values, std::string& out) {
  std::map<std::vector<double>, int64_t, BoundsLess> numbers;
  std::vector<const std::vector<double>*> lists;
  std::vector<int64_t> column;
  column.reserve(values.size());
  for (const NativeHistogram& value : values) {
    if (value.custom_bounds.empty()) {
      column.push_back(0);
      continue;
    }
    const auto [found, is_new] =
        numbers.try_emplace(value.custom_bounds, static_cast<int64_t>(lists.size()) + 1);
    if (is_new) lists.push_back(&found->first);
    column.push_back(found->second);
  }
  AppendVarint(lists.size(), out);
  for (const std::vector<double>* list : lists) {
    AppendVarint(list->size(), out);
    for (size_t from = 0; from < list->size(); from += kMaxColumn) {
      EncodeFloats(absl::MakeConstSpan(*list).subspan(from, kMaxColumn), out);
    }
  }
  if (!lists.empty()) EncodeIntegers(column, out);
}

bool IsAscending(const std::vector<double>& bounds) {
  return std::isfinite(bounds.front()) && std::isfinite(bounds.back()) &&
         std::is_sorted(bounds.begin(), bounds.end(), [](double a, double b) { return !(b < a); });
}

void DecodeBounds(ByteReader& reader, size_t count, const RunPart& part, size_t max_cells,
                  NativeHistogram* values) {
  std::vector<std::vector<double>> lists(reader.Count(kLeastColumnBytes));
  if (lists.size() > count) return reader.Fail();
  size_t cells = 0;
  for (std::vector<double>& list : lists) {
    const uint64_t bounds = reader.Varint();
    if (!reader.ok() || bounds == 0 || bounds > max_cells - cells) return reader.Fail();
    cells += bounds;
    while (reader.ok() && list.size() < bounds) {
      DecodeFloats(reader, std::min(bounds - list.size(), kMaxColumn), list);
    }
    if (!reader.ok() || !IsAscending(list)) return reader.Fail();
  }
  if (lists.empty()) return;
  std::vector<int64_t> numbers;
  DecodeIntegers(reader, count, numbers);
  if (!reader.ok()) return;
  cells = 0;
  for (size_t i = 0; i < count; ++i) {
    if (numbers[i] == 0) continue;
    if (numbers[i] < 0 || numbers[i] > static_cast<int64_t>(lists.size())) return reader.Fail();
    const std::vector<double>& list = lists[static_cast<size_t>(numbers[i]) - 1];
    if (list.size() > max_cells - cells) return reader.Fail();
    cells += list.size();
    if (part.begin <= i && i < part.end) values[i - part.begin].custom_bounds = list;
  }
}

}  // namespace

void EncodeHistograms(absl::Span<const NativeHistogram> values, std::string& out) {
  EncodeIntegerField(
      values, [](const NativeHistogram& value) { return value.schema; }, out);
  EncodeIntegerField(
      values,
      [](const NativeHistogram& value) {
        return static_cast<int64_t>(value.reset_hint) | (value.float_counts ? kFloatCounts : 0);
      },
      out);
  EncodeFloatField(
      values, [](const NativeHistogram& value) { return value.zero_threshold; }, out);
  CountEncoder counts(values);
  counts.Encode([&](size_t i) { return values[i].zero_count; }, out);
  counts.Encode([&](size_t i) { return values[i].count; }, out);
  EncodeFloatField(
      values, [](const NativeHistogram& value) { return value.sum; }, out);
  EncodeBuckets(values, &NativeHistogram::positive, counts, out);
  EncodeBuckets(values, &NativeHistogram::negative, counts, out);
  EncodeBounds(values, out);
}

RunPart KeepBetween(int64_t start_ms, int64_t end_ms, size_t before, std::vector<int64_t>& ts_ms) {
  const auto run = ts_ms.begin() + static_cast<ptrdiff_t>(before);
  const auto begin = std::lower_bound(run, ts_ms.end(), start_ms);
  const auto end = std::upper_bound(begin, ts_ms.end(), end_ms);
  const RunPart part{static_cast<size_t>(begin - run), static_cast<size_t>(end - run)};
  ts_ms.erase(end, ts_ms.end());
  ts_ms.erase(run, begin);
  return part;
}

namespace {

// What histograms have beside buckets and bounds, by column.
struct Fields {
  int64_t schemas[kMaxColumn];
  int64_t hints[kMaxColumn];  // with kFloatCounts
  int64_t zero_counts[kMaxColumn];
  int64_t counts[kMaxColumn];
  double thresholds[kMaxColumn];
  double sums[kMaxColumn];
  CountKinds kinds;

  bool Decode(ByteReader& reader, size_t count);
  model::ResetHint HintAt(size_t i) const {
    return static_cast<model::ResetHint>(hints[i] & ~kFloatCounts);
  }
};

bool Fields::Decode(ByteReader& reader, size_t count) {
  DecodeIntegers(reader, absl::MakeSpan(schemas, count));
  DecodeIntegers(reader, absl::MakeSpan(hints, count));
  kinds = {.hints = hints};
  for (size_t i = 0; reader.ok() && i < count; ++i) {
    if (schemas[i] < std::numeric_limits<int32_t>::min() ||
        schemas[i] > std::numeric_limits<int32_t>::max() || hints[i] < 0 ||
        hints[i] > (kMaxHint | kFloatCounts)) {
      reader.Fail();
    }
    kinds.floats += (hints[i] & kFloatCounts) != 0 ? 1 : 0;
  }
  if (!reader.ok()) return false;
  DecodeFloats(reader, absl::MakeSpan(thresholds, count));
  DecodeCounts(reader, kinds, absl::MakeSpan(zero_counts, count));
  DecodeCounts(reader, kinds, absl::MakeSpan(counts, count));
  DecodeFloats(reader, absl::MakeSpan(sums, count));
  return reader.ok();
}

// Whether the part is of one exponential layout, and of counters without markers.
bool AreColumns(const Fields& fields, const RunPart& part) {
  constexpr int64_t kMinSchema = -4;
  constexpr int64_t kMaxSchema = 8;
  if (part.size() == 0) return false;
  const int64_t schema = fields.schemas[part.begin];
  if (schema < kMinSchema || schema > kMaxSchema) return false;
  for (size_t i = part.begin; i < part.end; ++i) {
    if (fields.schemas[i] != schema || fields.thresholds[i] != fields.thresholds[part.begin] ||
        fields.HintAt(i) == model::ResetHint::kGauge || model::IsStaleNan(fields.sums[i])) {
      return false;
    }
  }
  return true;
}

}  // namespace

void DecodeHistograms(ByteReader& reader, size_t count, const RunPart& part, size_t max_cells,
                      std::vector<NativeHistogram>& values) {
  Fields fields;
  if (!fields.Decode(reader, count)) return;
  const size_t first = values.size();
  values.resize(first + part.size());
  for (size_t i = part.begin; i < part.end; ++i) {
    NativeHistogram& value = values[first + i - part.begin];
    value.schema = static_cast<int32_t>(fields.schemas[i]);
    value.reset_hint = fields.HintAt(i);
    value.float_counts = fields.kinds.IsFloat(i);
    value.zero_threshold = fields.thresholds[i];
    value.zero_count = static_cast<uint64_t>(fields.zero_counts[i]);
    value.count = static_cast<uint64_t>(fields.counts[i]);
    value.sum = fields.sums[i];
  }
  NativeHistogram* const made = values.data() + first;
  for (Buckets NativeHistogram::*const field :
       {&NativeHistogram::positive, &NativeHistogram::negative}) {
    if (reader.ok()) {
      DecodeBuckets(reader, count, fields.kinds, part, max_cells, field, made);
    }
  }
  if (reader.ok()) DecodeBounds(reader, count, part, max_cells, made);
}

bool HaveFloatCounts(std::string_view encoded, size_t count) {
  ByteReader reader(encoded);
  Fields fields;
  return fields.Decode(reader, count) && fields.kinds.floats > 0;
}

bool DecodeHistogramColumns(ByteReader reader, size_t count, const RunPart& part, size_t max_cells,
                            JoinedColumns& joined) {
  using model::HistogramColumns;
  Fields fields;
  if (!fields.Decode(reader, count) || !AreColumns(fields, part)) return false;
  const model::BucketLayout layout{static_cast<int32_t>(fields.schemas[part.begin]),
                                   fields.thresholds[part.begin]};
  if (!joined.columns.has_value()) {
    constexpr size_t kMoreBuckets = 4;  // negative ones, and those of further runs
    ByteReader ahead = reader;
    const size_t buckets =
        std::min(ahead.Count(kLeastColumnBytes) + kMoreBuckets, HistogramColumns::kMaxBuckets);
    joined.columns.emplace(layout, joined.size, buckets);
  }
  HistogramColumns& columns = *joined.columns;
  if (columns.layout() != layout) return false;
  const size_t at = std::exchange(joined.filled, joined.filled + part.size());
  const auto field = [&](size_t number) { return columns.Column(number).data() + at; };
  ToDoubles(fields.zero_counts, fields.kinds, part, field(HistogramColumns::kZeroCount));
  ToDoubles(fields.counts, fields.kinds, part, field(HistogramColumns::kCount));
  std::copy_n(fields.sums + part.begin, part.size(), field(HistogramColumns::kSum));
  for (size_t i = part.begin; i < part.end; ++i) {
    if (fields.HintAt(i) != model::ResetHint::kReset) continue;
    columns.said_resets.push_back(static_cast<uint32_t>(at + i - part.begin));
  }
  size_t near = 0;
  bool have_room = true;
  for (const bool is_negative : {false, true}) {
    const auto fill = [&](size_t, int32_t index, const int64_t* column) {
      if (std::all_of(column + part.begin, column + part.end, [](int64_t c) { return c == 0; })) {
        return;
      }
      const absl::Span<double> to =
          columns.ColumnOf({is_negative, index}, near, at, at + part.size());
      have_room &= !to.empty();
      if (have_room) ToDoubles(column, fields.kinds, part, to.data() + at);
    };
    if (!DecodeBucketColumns(reader, count, fields.kinds, max_cells, fill)) return false;
  }
  const bool has_bounds = reader.Varint() != 0;
  return have_room && !has_bounds && reader.ok() && reader.AtEnd();
}

}  // namespace leadline::collector::store::codec
