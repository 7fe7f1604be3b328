#include "agent/export/batch_encoder.h"

#include <utility>

#include <google/protobuf/wire_format_lite.h>

namespace leadline::agent {
namespace {

using google::protobuf::internal::WireFormatLite;

// Tags, the lengths of the columns and the numbers that a batch and a frame have once.
constexpr size_t kBatchOverheadBytes = 48;
constexpr size_t kFrameOverheadBytes = 112;
constexpr size_t kMaxBucketBytes = 5 + 10;
constexpr size_t kHistogramBytes = 5 + 5 + 8 + 10 + 8 + 5;

}  // namespace

void BatchEncoder::BeginFrame(int64_t ts_ms) {
  ts_ms_ = ts_ms;
  frame_ = nullptr;
}

void BatchEncoder::Integer(uint32_t ref, int64_t value) {
  const size_t value_bytes = WireFormatLite::SInt64Size(value);
  Reserve(WireFormatLite::UInt32Size(ref) + value_bytes);
  frame_->add_integer_series(integers_.Difference(ref));
  frame_->add_integers(value);
  bytes_ += WireFormatLite::UInt32Size(integers_.Difference(ref)) + value_bytes;
  integers_.previous = ref;
  ++samples_;
}

void BatchEncoder::Double(uint32_t ref, double value) {
  Reserve(WireFormatLite::UInt32Size(ref) + sizeof(double));
  frame_->add_double_series(doubles_.Difference(ref));
  frame_->add_doubles(value);
  bytes_ += WireFormatLite::UInt32Size(doubles_.Difference(ref)) + sizeof(double);
  doubles_.previous = ref;
  ++samples_;
}

void BatchEncoder::Histogram(uint32_t ref, const HistogramView& histogram) {
  const size_t bytes = kHistogramBytes + histogram.buckets.size() * kMaxBucketBytes;
  Reserve(bytes);
  v1::HistogramColumns& columns = *frame_->mutable_histograms();
  columns.add_series(histograms_.Difference(ref));
  columns.add_schema(histogram.schema);
  columns.add_sum(histogram.sum);
  columns.add_zero_count(histogram.zero_count);
  columns.add_zero_threshold(histogram.zero_threshold);
  uint32_t buckets = 0;
  int32_t previous_index = 0;
  for (const HistogramBucket& bucket : histogram.buckets) {
    if (bucket.count == 0) continue;
    columns.add_bucket_index(bucket.index - previous_index);
    columns.add_bucket_value(bucket.count);
    previous_index = bucket.index;
    ++buckets;
  }
  columns.add_bucket_count(buckets);
  bytes_ += bytes;
  histograms_.previous = ref;
  ++samples_;
}

std::vector<SealedBatch> BatchEncoder::Finish(bool at_least_one) {
  if (samples_ > 0 || (at_least_one && closed_.empty())) CloseBatch();
  return std::exchange(closed_, {});
}

void BatchEncoder::Reserve(size_t bytes) {
  const size_t frame_bytes = frame_ == nullptr ? kFrameOverheadBytes : 0;
  if (samples_ > 0 && kBatchOverheadBytes + bytes_ + frame_bytes + bytes > max_bytes_) CloseBatch();
  if (frame_ == nullptr) OpenFrame();
}

void BatchEncoder::OpenFrame() {
  frame_ = batch_.add_frames();
  frame_->set_timestamp_unix_ms(ts_ms_);
  integers_ = doubles_ = histograms_ = Column{};
  bytes_ += kFrameOverheadBytes;
}

void BatchEncoder::CloseBatch() {
  SealedBatch& sealed = closed_.emplace_back();
  sealed.sequence = next_sequence_++;
  sealed.samples = samples_;
  batch_.set_sequence(sealed.sequence);
  sealed.wire = batch_.SerializeAsString();
  batch_.Clear();
  frame_ = nullptr;
  bytes_ = 0;
  samples_ = 0;
}

}  // namespace leadline::agent
