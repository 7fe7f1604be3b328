// Whether series match, one after the other: what matchers say of a metric's name and of a
// version's labels is found out once, however many series have them.
//
// One call, one thread. The arguments outlive it, and so do versions that it was asked about.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/container/flat_hash_map.h"

#include "collector/model/entity.h"
#include "collector/store/index/definition.h"
#include "collector/store/index/matchers.h"

namespace leadline::collector::store::index {

class SeriesMatcher {
 public:
  explicit SeriesMatcher(const Matchers& matchers);

  // As MatchesAll of visible_labels.h. `version` may be null.
  bool Matches(const Definition& definition, const model::EntityVersion* version);

 private:
  bool MetricMatches(const Definition& definition);
  // Which of the first 64 matchers the labels of the version match by themselves.
  uint64_t MatchesOf(const model::EntityVersion* version);

  const Matchers& matchers_;
  const bool only_metric_;  // of the series' labels the matchers name no other
  absl::flat_hash_map<LabelId, bool> metrics_;
  std::optional<LabelId> last_metric_;
  bool last_metric_matches_ = false;
  absl::flat_hash_map<const model::EntityVersion*, uint64_t> versions_;
};

}  // namespace leadline::collector::store::index
