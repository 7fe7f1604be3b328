// The parts of a series' time in which its visible labels are the same, and match.
//
// One query, one thread. What a span points to belongs to the series' timeline.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "collector/model/entity.h"
#include "collector/store/engine/found_series.h"
#include "collector/store/index/matchers.h"
#include "common/string_map.h"

namespace leadline::collector::store::engine {

struct Span {
  int64_t begin_ms = 0;  // when its labels came into force, also where that is before the range
  int64_t first_ms = 0;
  int64_t last_ms = 0;
  const model::EntityVersion* version = nullptr;  // null where none is known
};

// Looks at each version of an entity once, however many series it has.
class SpanFinder {
 public:
  // The arguments outlive it. `named`: the Kubernetes labels that are visible.
  SpanFinder(const index::Matchers& matchers, const StringSet& named, int64_t start_ms,
             int64_t end_ms);

  // The spans of the series, in time order; valid until the next call.
  const std::vector<Span>& Find(const FoundSeries& found);

 private:
  bool Matches(const index::DefinitionPtr& definition, const model::EntityVersion* version);
  bool MetricMatches(const index::Definition& definition);
  // Which of the first 64 matchers the labels of the version match by themselves.
  uint64_t MatchesOf(const model::EntityVersion* version);

  const index::Matchers& matchers_;
  const StringSet& named_;
  const int64_t start_ms_;
  const int64_t end_ms_;
  const bool only_metric_;  // of the series' labels the matchers name no other
  std::vector<Span> spans_;
  absl::flat_hash_map<index::LabelId, bool> metrics_;
  std::optional<index::LabelId> last_metric_;
  bool last_metric_matches_ = false;
  absl::flat_hash_map<const model::EntityVersion*, uint64_t> versions_;
};

}  // namespace leadline::collector::store::engine
