#include "agent/export/frame_buffer.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace leadline::agent {
namespace {

// Prometheus' staleness marker (model/value/value.go).
constexpr double kStaleNan = std::bit_cast<double>(uint64_t{0x7ff0000000000002});

template <typename Samples>
void SortByRef(Samples& samples) {
  const auto by_ref = [](const auto& a, const auto& b) { return a.ref < b.ref; };
  if (!std::is_sorted(samples.begin(), samples.end(), by_ref)) {
    std::sort(samples.begin(), samples.end(), by_ref);
  }
}

}  // namespace

void FrameBuffer::BeginFrame(int64_t ts_ms) {
  if (ts_ms == frame_ms_) return;
  FlushFrame();
  frame_ms_ = ts_ms;
}

void FrameBuffer::Histogram(SeriesRef ref, const HistogramView& histogram) {
  histograms_.push_back({Index(ref), histogram, buckets_.size(), histogram.buckets.size()});
  buckets_.insert(buckets_.end(), histogram.buckets.begin(), histogram.buckets.end());
}

void FrameBuffer::Zero(int64_t ts_ms, SeriesRef ref) {
  zeros_.push_back({ts_ms, Index(ref), /*is_histogram=*/false, {}});
}

void FrameBuffer::ZeroHistogram(int64_t ts_ms, SeriesRef ref, const HistogramView& like) {
  HistogramView zero;
  zero.schema = like.schema;
  zero.zero_threshold = like.zero_threshold;
  zeros_.push_back({ts_ms, Index(ref), /*is_histogram=*/true, zero});
}

void FrameBuffer::StalenessMarker(int64_t ts_ms, SeriesRef ref, bool is_histogram) {
  markers_.push_back({ts_ms, Index(ref), is_histogram, {}});
}

void FrameBuffer::Flush() {
  FlushFrame();
  FlushEdges(markers_, kStaleNan);
}

void FrameBuffer::FlushFrame() {
  FlushEdges(zeros_, 0);
  if (frame_ms_ == kNoFrame) return;
  encoder_.BeginFrame(frame_ms_);
  SortByRef(integers_);
  SortByRef(doubles_);
  SortByRef(histograms_);
  for (const auto& sample : integers_) encoder_.Integer(sample.ref, sample.value);
  for (const auto& sample : doubles_) encoder_.Double(sample.ref, sample.value);
  for (HistogramSample& sample : histograms_) {
    sample.view.buckets =
        absl::MakeConstSpan(buckets_).subspan(sample.first_bucket, sample.bucket_count);
    encoder_.Histogram(sample.ref, sample.view);
  }
  integers_.clear();
  doubles_.clear();
  histograms_.clear();
  buckets_.clear();
  frame_ms_ = kNoFrame;
}

void FrameBuffer::FlushEdges(std::vector<EdgeSample>& edges, double value) {
  std::sort(edges.begin(), edges.end(), [](const EdgeSample& a, const EdgeSample& b) {
    return std::pair(a.ts_ms, a.ref) < std::pair(b.ts_ms, b.ref);
  });
  int64_t ts_ms = kNoFrame;
  for (EdgeSample& edge : edges) {
    if (edge.ts_ms != ts_ms) encoder_.BeginFrame(ts_ms = edge.ts_ms);
    if (edge.is_histogram) {
      edge.histogram.sum = value;
      encoder_.Histogram(edge.ref, edge.histogram);
    } else if (value == 0) {
      encoder_.Integer(edge.ref, 0);
    } else {
      encoder_.Double(edge.ref, value);
    }
  }
  edges.clear();
}

}  // namespace leadline::agent
