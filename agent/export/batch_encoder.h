// Writes samples as leadline.v1.Batch messages of a limited size.
//
// Samples come frame by frame and, in each column of a frame, by ascending ref. A batch that would
// grow past the limit is closed and the frame goes on in the next. The message's memory is kept
// from one batch to the next, but for that of histograms. Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/export/histogram.h"
#include "agent/export/sealed_batch.h"
#include "leadline/v1/ingest.pb.h"

namespace leadline::agent {

class BatchEncoder {
 public:
  explicit BatchEncoder(size_t max_bytes) : max_bytes_(max_bytes) {}

  void BeginFrame(int64_t ts_ms);
  void Integer(uint32_t ref, int64_t value);
  void Double(uint32_t ref, double value);
  // Empty buckets are left out.
  void Histogram(uint32_t ref, const HistogramView& histogram);

  // The batches since the last call; at least one, without samples, when `at_least_one`.
  std::vector<SealedBatch> Finish(bool at_least_one);

  uint64_t last_sequence() const { return next_sequence_ - 1; }

 private:
  struct Column {
    uint32_t previous = 0;
    uint32_t Difference(uint32_t ref) const { return ref - previous; }
  };

  // Makes sure that a frame is open and has room for `bytes` more.
  void Reserve(size_t bytes);
  void OpenFrame();
  void CloseBatch();

  const size_t max_bytes_;
  uint64_t next_sequence_ = 1;
  v1::Batch batch_;
  v1::Frame* frame_ = nullptr;
  int64_t ts_ms_ = 0;
  Column integers_, doubles_, histograms_;
  size_t bytes_ = 0;  // upper bound of the size of batch_
  uint64_t samples_ = 0;
  std::vector<SealedBatch> closed_;
};

}  // namespace leadline::agent
