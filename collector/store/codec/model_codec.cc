#include "collector/store/codec/model_codec.h"

#include <bit>
#include <utility>
#include <vector>

namespace leadline::collector::store::codec {
namespace {

using model::NativeHistogram;

constexpr size_t kIdBytes = 16;
constexpr size_t kLeastLabelBytes = 2;
constexpr size_t kLeastBucketBytes = 2;

void AppendCount(uint64_t count, bool is_float, std::string& out) {
  if (is_float) {
    AppendFloat(std::bit_cast<double>(count), out);
  } else {
    AppendVarint(count, out);
  }
}

uint64_t ReadCount(ByteReader& reader, bool is_float) {
  return is_float ? model::FloatCount(ReadFloat(reader)) : reader.Varint();
}

void AppendBuckets(const std::vector<NativeHistogram::Bucket>& buckets, bool is_float,
                   std::string& out) {
  AppendVarint(buckets.size(), out);
  int64_t previous = 0;
  for (const NativeHistogram::Bucket& bucket : buckets) {
    AppendSigned(bucket.index - previous, out);
    AppendCount(bucket.count, is_float, out);
    previous = bucket.index;
  }
}

std::vector<NativeHistogram::Bucket> ReadBuckets(ByteReader& reader, bool is_float) {
  std::vector<NativeHistogram::Bucket> buckets(reader.Count(kLeastBucketBytes));
  uint64_t index = 0;
  for (NativeHistogram::Bucket& bucket : buckets) {
    index += static_cast<uint64_t>(reader.Signed());
    bucket.index = static_cast<int32_t>(index);
    bucket.count = ReadCount(reader, is_float);
    if (static_cast<int64_t>(index) != bucket.index) reader.Fail();
  }
  return buckets;
}

void AppendBounds(const std::vector<double>& bounds, std::string& out) {
  AppendVarint(bounds.size(), out);
  for (const double bound : bounds) AppendFixed64(std::bit_cast<uint64_t>(bound), out);
}

std::vector<double> ReadBounds(ByteReader& reader) {
  std::vector<double> bounds(reader.Count(sizeof(double)));
  for (double& bound : bounds) bound = std::bit_cast<double>(reader.Fixed64());
  return bounds;
}

}  // namespace

void AppendId(const Id128& id, std::string& out) { out += id.ToBytes(); }

Id128 ReadId(ByteReader& reader) {
  return Id128::FromBytes(reader.Bytes(kIdBytes)).value_or(Id128{});
}

void AppendLabels(const LabelSet& labels, std::string& out) {
  AppendVarint(labels.size(), out);
  for (const Label& label : labels) {
    AppendString(label.name, out);
    AppendString(label.value, out);
  }
}

LabelSet ReadLabels(ByteReader& reader) {
  std::vector<Label> labels(reader.Count(kLeastLabelBytes));
  for (Label& label : labels) {
    label.name = reader.String();
    label.value = reader.String();
  }
  return LabelSet(std::move(labels));
}

void AppendEntityVersion(const model::EntityVersion& version, std::string& out) {
  AppendId(version.id, out);
  out.push_back(static_cast<char>(version.kind));
  AppendLabels(version.labels, out);
  AppendLabels(version.kubernetes_labels, out);
  AppendSigned(version.start_ms, out);
  AppendSigned(version.end_ms, out);
  AppendSigned(version.valid_from_ms, out);
  AppendVarint(version.revision, out);
}

model::EntityVersion ReadEntityVersion(ByteReader& reader) {
  model::EntityVersion version;
  version.id = ReadId(reader);
  version.kind = static_cast<model::EntityKind>(reader.Byte());
  version.labels = ReadLabels(reader);
  version.kubernetes_labels = ReadLabels(reader);
  version.start_ms = reader.Signed();
  version.end_ms = reader.Signed();
  version.valid_from_ms = reader.Signed();
  version.revision = reader.Varint();
  return version;
}

VersionLabel ReadVersionLabel(ByteReader& reader, std::string_view name) {
  VersionLabel label;
  reader.Bytes(kIdBytes + 1);
  for (int sets = 0; sets < 2; ++sets) {
    for (size_t left = reader.Count(kLeastLabelBytes); left > 0; --left) {
      const bool is_it = reader.String() == name;
      const std::string_view value = reader.String();
      if (is_it && label.value.empty()) label.value = value;
    }
  }
  reader.Signed();
  label.end_ms = reader.Signed();
  label.valid_from_ms = reader.Signed();
  reader.Varint();
  return label;
}

void AppendHistogram(const NativeHistogram& histogram, std::string& out) {
  const bool is_float = histogram.float_counts;
  AppendSigned(histogram.schema, out);
  out.push_back(static_cast<char>(static_cast<uint8_t>(histogram.reset_hint) |
                                  (is_float ? kFloatCounts : 0)));
  if (histogram.schema == model::kCustomBuckets) AppendBounds(histogram.custom_bounds, out);
  AppendFixed64(std::bit_cast<uint64_t>(histogram.zero_threshold), out);
  AppendCount(histogram.zero_count, is_float, out);
  AppendCount(histogram.count, is_float, out);
  AppendFixed64(std::bit_cast<uint64_t>(histogram.sum), out);
  AppendBuckets(histogram.positive, is_float, out);
  AppendBuckets(histogram.negative, is_float, out);
}

NativeHistogram ReadHistogram(ByteReader& reader) {
  NativeHistogram histogram;
  histogram.schema = static_cast<int32_t>(reader.Signed());
  const uint8_t hint = reader.Byte();
  const bool is_float = (hint & kFloatCounts) != 0;
  histogram.float_counts = is_float;
  histogram.reset_hint = static_cast<model::ResetHint>(hint & ~kFloatCounts);
  if (histogram.reset_hint > model::ResetHint::kGauge) reader.Fail();
  if (histogram.schema == model::kCustomBuckets) histogram.custom_bounds = ReadBounds(reader);
  histogram.zero_threshold = std::bit_cast<double>(reader.Fixed64());
  histogram.zero_count = ReadCount(reader, is_float);
  histogram.count = ReadCount(reader, is_float);
  histogram.sum = std::bit_cast<double>(reader.Fixed64());
  histogram.positive = ReadBuckets(reader, is_float);
  histogram.negative = ReadBuckets(reader, is_float);
  return histogram;
}

}  // namespace leadline::collector::store::codec
