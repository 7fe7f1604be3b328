// Samples of one series that came out of order, until they are in a window: sealed chunks and an
// open run.
//
// Samples come in any order. Those that the sealed chunks have passed go to a second run, `late`,
// which is sealed behind them, so that pieces are in the order in which they win: of equal
// timestamps the last written one counts. Not synchronized.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "collector/store/chunk/pieces.h"
#include "collector/store/chunk/sealed_chunk.h"
#include "collector/store/chunk/window_time.h"

namespace leadline::collector::store::head {

enum class Appended : uint8_t {
  kNew,
  kDuplicate,  // the same value at the same time was there
  kReplaced,   // another value at the same time was there
};

template <typename Value>
class Stream {
 public:
  Appended Append(int64_t ts_ms, Value value) {
    if (ts_ms <= sealed_until_ms_) return Insert(late_, ts_ms, std::move(value));
    if (!open_.empty() && chunk::WindowStart(ts_ms) != chunk::WindowStart(open_.ts_ms.front())) {
      if (ts_ms < open_.ts_ms.front()) return Insert(late_, ts_ms, std::move(value));
      SealRun(open_);
    }
    return Insert(open_, ts_ms, std::move(value));
  }

  // Pieces with samples in the range, by what wins last; runs are copied.
  void Collect(int64_t start_ms, int64_t end_ms, std::vector<chunk::Piece>& out) const {
    for (const chunk::SealedChunkPtr& sealed : sealed_) {
      if (sealed->info.last_ms >= start_ms && sealed->info.first_ms <= end_ms) {
        out.push_back({.sealed = sealed});
      }
    }
    CollectRun(open_, start_ms, end_ms, out);
    CollectRun(late_, start_ms, end_ms, out);
  }

  bool HasSamplesIn(int64_t start_ms, int64_t end_ms) const {
    return std::any_of(sealed_.begin(), sealed_.end(),
                       [&](const chunk::SealedChunkPtr& sealed) {
                         return sealed->info.last_ms >= start_ms && sealed->info.first_ms <= end_ms;
                       }) ||
           RunHasSamplesIn(open_, start_ms, end_ms) || RunHasSamplesIn(late_, start_ms, end_ms);
  }

 private:
  static bool Same(double a, double b) {
    return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
  }
  static bool Same(const model::NativeHistogram& a, const model::NativeHistogram& b) {
    return a == b || (model::IsStaleNan(a.sum) && model::IsStaleNan(b.sum));
  }
  static size_t BucketsOf(double) { return 0; }
  static size_t BucketsOf(const model::NativeHistogram& value) { return chunk::BucketCount(value); }

  static chunk::Piece AsPiece(chunk::Floats run) {
    return {.floats = std::make_shared<const chunk::Floats>(std::move(run))};
  }
  static chunk::Piece AsPiece(chunk::Histograms run) {
    return {.histograms = std::make_shared<const chunk::Histograms>(std::move(run))};
  }

  static bool RunHasSamplesIn(const chunk::Samples<Value>& run, int64_t start_ms, int64_t end_ms) {
    const auto first = std::lower_bound(run.ts_ms.begin(), run.ts_ms.end(), start_ms);
    return first != run.ts_ms.end() && *first <= end_ms;
  }

  static void CollectRun(const chunk::Samples<Value>& run, int64_t start_ms, int64_t end_ms,
                         std::vector<chunk::Piece>& out) {
    const auto first = std::lower_bound(run.ts_ms.begin(), run.ts_ms.end(), start_ms);
    const auto last = std::upper_bound(first, run.ts_ms.end(), end_ms);
    if (first == last) return;
    const auto values = run.values.begin() + (first - run.ts_ms.begin());
    chunk::Samples<Value> copy{{first, last}, {values, values + (last - first)}};
    out.push_back(AsPiece(std::move(copy)));
  }

  Appended Insert(chunk::Samples<Value>& run, int64_t ts_ms, Value value) {
    const bool is_newest = run.empty() || run.ts_ms.back() < ts_ms;
    const auto at =
        is_newest ? run.ts_ms.end() : std::lower_bound(run.ts_ms.begin(), run.ts_ms.end(), ts_ms);
    const auto value_at = run.values.begin() + (at - run.ts_ms.begin());
    if (at != run.ts_ms.end() && *at == ts_ms) {
      if (Same(*value_at, value)) return Appended::kDuplicate;
      *value_at = std::move(value);
      return Appended::kReplaced;
    }
    const size_t buckets = BucketsOf(value);
    run.values.insert(value_at, std::move(value));
    run.ts_ms.insert(at, ts_ms);
    size_t& run_buckets = &run == &open_ ? open_buckets_ : late_buckets_;
    run_buckets += buckets;
    if (run.size() >= chunk::kChunkSamples || chunk::HistogramRunIsFull(run.size(), run_buckets)) {
      SealRun(run);
    }
    return Appended::kNew;
  }

  void SealRun(chunk::Samples<Value>& run) {
    if (run.empty()) return;
    sealed_until_ms_ = std::max(sealed_until_ms_, run.ts_ms.back());
    for (chunk::SealedChunkPtr& sealed : chunk::Seal(run)) sealed_.push_back(std::move(sealed));
    run = {};
    (&run == &open_ ? open_buckets_ : late_buckets_) = 0;
  }

  std::vector<chunk::SealedChunkPtr> sealed_;
  chunk::Samples<Value> open_;  // after sealed_until_ms_, within one window
  chunk::Samples<Value> late_;
  int64_t sealed_until_ms_ = chunk::kBeforeAllTime;
  size_t open_buckets_ = 0;
  size_t late_buckets_ = 0;
};

}  // namespace leadline::collector::store::head
