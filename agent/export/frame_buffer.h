// The samples of an interval until they are written, in the order that the encoder asks for.
//
// A frame is all samples of one time. Edges are samples beside the frames: the zeros before series'
// first samples and the staleness markers after their last ones. Allocates nothing once it has
// grown to the size of an interval. Times are milliseconds since the Unix epoch. Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "agent/export/batch_encoder.h"
#include "agent/export/definitions.h"
#include "agent/export/histogram.h"

namespace leadline::agent {

class FrameBuffer {
 public:
  static constexpr int64_t kNoFrame = std::numeric_limits<int64_t>::min();

  explicit FrameBuffer(BatchEncoder& encoder) : encoder_(encoder) {}

  // The samples that follow have this time. Writes those before, if they have another.
  void BeginFrame(int64_t ts_ms);
  int64_t frame_ms() const { return frame_ms_; }

  // A series has at most one sample in a frame.
  void Integer(SeriesRef ref, int64_t value) { integers_.push_back({Index(ref), value}); }
  void Double(SeriesRef ref, double value) { doubles_.push_back({Index(ref), value}); }
  void Histogram(SeriesRef ref, const HistogramView& histogram);

  void Zero(int64_t ts_ms, SeriesRef ref);
  // An empty histogram of the schema of `like`.
  void ZeroHistogram(int64_t ts_ms, SeriesRef ref, const HistogramView& like);
  void StalenessMarker(int64_t ts_ms, SeriesRef ref, bool is_histogram);

  // Writes what is left, markers last. No frame is begun then.
  void Flush();

 private:
  template <typename T>
  struct Sample {
    uint32_t ref;
    T value;
  };
  struct HistogramSample {
    uint32_t ref;
    HistogramView view;  // without buckets, which are in buckets_
    size_t first_bucket;
    size_t bucket_count;
  };
  struct EdgeSample {
    int64_t ts_ms;
    uint32_t ref;
    bool is_histogram;
    HistogramView histogram;  // its schema
  };

  static uint32_t Index(SeriesRef ref) { return static_cast<uint32_t>(ref); }
  void FlushFrame();
  void FlushEdges(std::vector<EdgeSample>& edges, double value);

  BatchEncoder& encoder_;
  int64_t frame_ms_ = kNoFrame;
  std::vector<Sample<int64_t>> integers_;
  std::vector<Sample<double>> doubles_;
  std::vector<HistogramSample> histograms_;
  std::vector<HistogramBucket> buckets_;
  std::vector<EdgeSample> zeros_;
  std::vector<EdgeSample> markers_;
};

}  // namespace leadline::agent
