// The parts of a series' time in which its visible labels are the same, and match.
//
// One query, one thread. What a span points to belongs to the series' timeline.
#pragma once

#include <cstdint>
#include <vector>

#include "collector/model/entity.h"
#include "collector/store/engine/found_series.h"
#include "collector/store/index/matchers.h"
#include "collector/store/index/series_matcher.h"
#include "common/string_map.h"

namespace leadline::collector::store::engine {

struct Span {
  int64_t begin_ms = 0;  // when its labels came into force, also where that is before the range
  int64_t first_ms = 0;
  int64_t last_ms = 0;
  const model::EntityVersion* version = nullptr;  // null where none is known
};

class SpanFinder {
 public:
  // The arguments outlive it. `named`: the Kubernetes labels that are visible.
  SpanFinder(const FoundSet& found, const index::Matchers& matchers, const StringSet& named,
             int64_t start_ms, int64_t end_ms);

  // The spans of one of the series that were found, in time order; valid until the next call.
  const std::vector<Span>& Find(const FoundSeries& series);

 private:
  void FindByVersion(const index::Definition& definition, const model::EntityTimeline& timeline);

  const FoundSet& found_;
  const StringSet& named_;
  const int64_t start_ms_;
  const int64_t end_ms_;
  index::SeriesMatcher matcher_;
  std::vector<Span> spans_;
};

}  // namespace leadline::collector::store::engine
