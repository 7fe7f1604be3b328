// Instant selectors: series from the store, brought to the query's steps.
//
// At t there is the newest sample in (t - look-back, t], nothing after a staleness marker.
// Source: Prometheus 3, which leaves the left end out.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/functions/extrapolation.h"
#include "collector/promql/parse/ast.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {

// What time a selector or subquery looks at for a step: shifted by "offset", fixed by "@".
int64_t ReferenceTime(const Context& context, const parse::TimeModifier& modifier, size_t step);

// What the histograms of a block count as in the budget.
uint64_t SampleCount(const std::vector<model::NativeHistogram>& histograms);

// Takes the histograms out of the block for which drop(histogram) is true.
template <typename Drop>
void DropHistograms(store::SeriesBlock& block, Drop drop) {
  const bool is_summary = !block.histogram_counts.empty();
  size_t kept = 0;
  for (size_t i = 0; i < block.histograms.size(); ++i) {
    if (drop(block.histograms[i])) continue;
    if (kept != i) {
      block.histograms[kept] = std::move(block.histograms[i]);
      block.histogram_ts_ms[kept] = block.histogram_ts_ms[i];
      if (is_summary) block.histogram_counts[kept] = block.histogram_counts[i];
    }
    ++kept;
  }
  block.histograms.resize(kept);
  block.histogram_ts_ms.resize(kept);
  if (is_summary) block.histogram_counts.resize(kept);
}

// What one worker makes of a part of a selection.
class Worker {
 public:
  explicit Worker(const Context& of) : context(of), time(of) {
    if (of.looked_at != nullptr) looked_at.emplace(of.steps());
  }

  // Charges samples that are about to be allocated, until the series that is being made is given.
  // Little at a time is charged together.
  absl::Status Charge(uint64_t samples) {
    wanted_ += samples;
    return wanted_ < charged_ + kLag ? absl::OkStatus() : ChargeWanted();
  }
  // Sets the step of a series that is being made.
  absl::Status Set(StepSeries& one, size_t step, Sample sample) {
    if (sample.histogram != nullptr) {
      LL_RETURN_IF_ERROR(Charge(one.samples_to_set(*sample.histogram, step)));
    }
    one.Set(step, std::move(sample));
    return absl::OkStatus();
  }
  // A series of the result.
  void Give(StepSeries one) {
    if (one.HasAny()) {
      given_ += one.sample_count();
      series.push_back(std::move(one));
    }
    wanted_ = given_;
  }
  // From now on what was given is charged, for the caller to give back, and nothing else is.
  absl::Status Finish();

  const Context& context;
  TimeCheck time;
  Annotations annotations;
  std::vector<StepSeries> series;
  std::optional<LookedAt> looked_at;  // nothing where nobody wants to know
  ExtrapolatedWindows extrapolated;   // of the series before

 private:
  static constexpr uint64_t kLag = 4096;

  absl::Status ChargeWanted();

  uint64_t given_ = 0;    // samples of `series`
  uint64_t wanted_ = 0;   // and of what is being made
  uint64_t charged_ = 0;  // of those
};

// Makes step series of a block of samples, staleness markers included; may take the block apart.
// Called by several threads at a time.
using MapBlock = absl::FunctionRef<absl::Status(store::SeriesBlock& block, Worker& worker)>;

// How far a step sees; what is as far back as that is not seen.
struct Sight {
  int64_t back_ms = 0;
  int64_t ahead_ms = 0;
};

// The selector's series with the samples that any step sees, each made into step series, in the
// selection's order. `rollups`: what may stand in for them.
absl::Status SelectSeries(Context& context, const parse::VectorSelector& selector, Sight sight,
                          MapBlock map, Emit emit, const store::RollupHints& rollups = {});

// The same samples as they are.
absl::Status SelectBlocks(Context& context, const parse::VectorSelector& selector, Sight sight,
                          absl::FunctionRef<absl::Status(store::SeriesBlock)> use);

enum class What : uint8_t { kValues, kTimestamps };

// The samples, or when they were taken, in seconds.
absl::Status SelectInstant(Context& context, const parse::VectorSelector& selector, What what,
                           Emit emit);

}  // namespace leadline::collector::promql::exec
