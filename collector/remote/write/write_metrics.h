// Self-metrics of what others write, by protocol.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "collector/remote/write/batch.h"
#include "collector/remote/write/rejections.h"
#include "prometheus/counter.h"
#include "prometheus/registry.h"

namespace leadline::collector::remote::write {

// Why a request was answered with an error as a whole.
enum class Failure : uint8_t {
  kMediaType,  // a content type or encoding that is not spoken here
  kMalformed,  // not snappy, not the message
  kTooLarge,   // unpacked
  kStore,      // the store did not take it; it may come again
  kRate,       // more samples than its tenant may write in a second; it may come again
};
inline constexpr size_t kFailures = static_cast<size_t>(Failure::kRate) + 1;
inline constexpr std::array<const char*, kFailures> kFailureNames = {"media_type", "malformed",
                                                                     "too_large", "store", "rate"};

class WriteMetrics {
 public:
  // `protocol` is the label of that name.
  WriteMetrics(prometheus::Registry& registry, const char* protocol);

  void CountRequest(size_t body_bytes, size_t message_bytes);
  void CountTaken(const BatchCounts& counts);  // once they are durable
  void CountRejections(const Rejections& rejections);
  void CountFailure(Failure failure) { failures_[static_cast<size_t>(failure)]->Increment(); }
  void CountDroppedMetadata() { metadata_dropped_.Increment(); }
  void CountNewSeries(size_t series) { new_series_.Increment(static_cast<double>(series)); }

 private:
  class Counters;
  explicit WriteMetrics(const Counters& counters);

  prometheus::Counter& requests_;
  prometheus::Counter& body_bytes_;
  prometheus::Counter& message_bytes_;
  prometheus::Counter& samples_;
  prometheus::Counter& histograms_;
  prometheus::Counter& exemplars_;
  std::array<prometheus::Counter*, kDroppedExemplars> dropped_exemplars_{};
  prometheus::Counter& zeros_;
  prometheus::Counter& metadata_dropped_;
  prometheus::Counter& new_series_;
  std::array<prometheus::Counter*, kReasons> rejections_{};
  std::array<prometheus::Counter*, kFailures> failures_{};
};

}  // namespace leadline::collector::remote::write
