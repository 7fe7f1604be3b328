#include "collector/store/head/histogram_tokens.h"

#include <bit>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/store/codec/model_codec.h"
#include "collector/store/head/tokens.h"
#include "common/bytes.h"

namespace leadline::collector::store::head {
namespace {

using model::NativeHistogram;
using Buckets = std::vector<NativeHistogram::Bucket>;

enum class HistogramForm : char { kDifferences = 0, kWhole = 1, kFloats = 2 };

bool SameBuckets(const Buckets& a, const Buckets& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].index != b[i].index) return false;
  }
  return true;
}

void AppendDifference(uint64_t before, uint64_t now, std::string& out) {
  AppendSigned(static_cast<int64_t>(now - before), out);
}

void Advance(uint64_t& value, const uint8_t*& at) {
  value += static_cast<uint64_t>(UnZigZag(DecodeVarint(at)));
}

// Bits of floats; what was before becomes what is now.
void AppendFloat(uint64_t& before, uint64_t now, std::string& out) {
  if (before == now) {
    out.push_back(static_cast<char>(token::kRepeat));
    return;
  }
  uint8_t bytes[token::kMaxFloatBytes];
  Decimals none{Decimals::kNone};
  out.append(reinterpret_cast<const char*>(bytes), EncodeFloat(before, now, none, bytes));
  before = now;
}

void AppendSum(double& before, double now, std::string& out) {
  auto bits = std::bit_cast<uint64_t>(before);
  AppendFloat(bits, std::bit_cast<uint64_t>(now), out);
  before = now;
}

void AdvanceFloat(uint64_t& value, const uint8_t*& at) {
  if (const uint8_t code = *at++; code != token::kRepeat) value = DecodeFloat(code, value, at);
}

void AdvanceSum(double& sum, const uint8_t*& at) {
  auto bits = std::bit_cast<uint64_t>(sum);
  AdvanceFloat(bits, at);
  sum = std::bit_cast<double>(bits);
}

uint64_t Parts(const NativeHistogram& value) {
  uint64_t parts = value.zero_count;
  for (const Buckets* buckets : {&value.positive, &value.negative}) {
    for (const NativeHistogram::Bucket& bucket : *buckets) parts += bucket.count;
  }
  return parts;
}

void AppendBuckets(const Buckets& now, Buckets& before, std::string& out) {
  for (size_t i = 0; i < now.size(); ++i) {
    AppendDifference(before[i].count, now[i].count, out);
    before[i].count = now[i].count;
  }
}

void AppendDifferences(NativeHistogram& before, const NativeHistogram& now, std::string& out) {
  out.push_back(static_cast<char>(HistogramForm::kDifferences));
  const uint64_t beyond = before.count - Parts(before);
  AppendDifference(before.zero_count, now.zero_count, out);
  AppendDifference(beyond, now.count - Parts(now), out);
  AppendSum(before.sum, now.sum, out);
  AppendBuckets(now.positive, before.positive, out);
  AppendBuckets(now.negative, before.negative, out);
  before.zero_count = now.zero_count;
  before.count = now.count;
}

void AppendFloats(NativeHistogram& before, const NativeHistogram& now, std::string& out) {
  out.push_back(static_cast<char>(HistogramForm::kFloats));
  AppendFloat(before.zero_count, now.zero_count, out);
  AppendFloat(before.count, now.count, out);
  AppendSum(before.sum, now.sum, out);
  for (size_t i = 0; i < now.positive.size(); ++i) {
    AppendFloat(before.positive[i].count, now.positive[i].count, out);
  }
  for (size_t i = 0; i < now.negative.size(); ++i) {
    AppendFloat(before.negative[i].count, now.negative[i].count, out);
  }
}

void DecodeDifferences(NativeHistogram& value, const uint8_t*& at) {
  uint64_t beyond = value.count - Parts(value);
  Advance(value.zero_count, at);
  Advance(beyond, at);
  AdvanceSum(value.sum, at);
  for (Buckets* buckets : {&value.positive, &value.negative}) {
    for (NativeHistogram::Bucket& bucket : *buckets) Advance(bucket.count, at);
  }
  value.count = beyond + Parts(value);
}

void DecodeFloats(NativeHistogram& value, const uint8_t*& at) {
  AdvanceFloat(value.zero_count, at);
  AdvanceFloat(value.count, at);
  AdvanceSum(value.sum, at);
  for (Buckets* buckets : {&value.positive, &value.negative}) {
    for (NativeHistogram::Bucket& bucket : *buckets) AdvanceFloat(bucket.count, at);
  }
}

}  // namespace

void EncodeHistogram(NativeHistogram& before, const NativeHistogram& now, std::string& out) {
  const size_t begin = out.size();
  if (before.float_counts == now.float_counts && SameBuckets(before.positive, now.positive) &&
      SameBuckets(before.negative, now.negative)) {
    if (now.float_counts) {
      AppendFloats(before, now, out);
    } else {
      AppendDifferences(before, now, out);
    }
    if (before == now) return;  // else it has another schema, or something of that kind
    out.resize(begin);
  }
  out.push_back(static_cast<char>(HistogramForm::kWhole));
  std::string whole;
  codec::AppendHistogram(now, whole);
  AppendString(whole, out);
  before = now;
}

void DecodeHistogram(NativeHistogram& before, const uint8_t*& at) {
  switch (static_cast<HistogramForm>(*at++)) {
    case HistogramForm::kDifferences:
      return DecodeDifferences(before, at);
    case HistogramForm::kFloats:
      return DecodeFloats(before, at);
    case HistogramForm::kWhole:
      break;
  }
  const size_t size = DecodeVarint(at);
  ByteReader reader(std::string_view(reinterpret_cast<const char*>(at), size));
  before = codec::ReadHistogram(reader);
  at += size;
}

}  // namespace leadline::collector::store::head
