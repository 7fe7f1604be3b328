// Classic histogram series, <name>_bucket, <name>_sum and <name>_count, computed from the native
// histogram <name> of the catalogue.
//
// They are answered where a selector names one of them exactly and no real series has that name.
// The buckets are the catalogue's, with "le" as Prometheus 3 writes it ("1.0", "+Inf").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"

#include "collector/promql/parse/ast.h"
#include "collector/store/store.h"

namespace leadline::collector::promql::exec {

// The label of a bucket's upper bound.
inline constexpr std::string_view kBucketLabel = "le";

struct ClassicSelector {
  enum class Part : uint8_t { kBucket, kSum, kCount };
  struct Bound {
    double value = 0;
    std::string le;
  };

  Part part = Part::kBucket;
  std::string name;                           // <name>_bucket
  std::string histogram;                      // <name>
  std::vector<parse::LabelMatcher> matchers;  // of the native histogram
  std::vector<Bound> bounds;                  // of a bucket: those that are selected, ascending

  // nullopt where the matchers select no such series.
  static std::optional<ClassicSelector> From(absl::Span<const parse::LabelMatcher> matchers);

  // How many classic series there are for a native one.
  size_t series() const { return part == Part::kBucket ? bounds.size() : 1; }

  // Hands the classic series of a native one to `use`. REQUIRES: known schemas.
  absl::Status Expand(const store::SeriesBlock& native,
                      absl::FunctionRef<absl::Status(store::SeriesBlock)> use) const;
};

// A label's value of a float as OpenMetrics has it: "0.005", "1.0", "1e-05", "+Inf".
std::string OpenMetricsFloat(double value);

}  // namespace leadline::collector::promql::exec
