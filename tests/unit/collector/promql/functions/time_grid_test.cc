// Samples up to times that are as far apart, beside a search for each.
#include "collector/promql/functions/time_grid.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace leadline::collector::promql {
namespace {

void ExpectAsSearched(const std::vector<int64_t>& ts_ms, int64_t first_ms, int64_t step_ms,
                      size_t times) {
  std::vector<uint32_t> counts(times, 77);
  CountUpTo(ts_ms, first_ms, step_ms, absl::MakeSpan(counts));
  for (size_t i = 0; i < times; ++i) {
    const int64_t up_to_ms = first_ms + static_cast<int64_t>(i) * step_ms;
    const auto expected = std::upper_bound(ts_ms.begin(), ts_ms.end(), up_to_ms) - ts_ms.begin();
    ASSERT_EQ(counts[i], expected)
        << ts_ms.size() << " samples, time " << i << " of " << first_ms << " and every " << step_ms;
  }
}

TEST(TimeGridTest, CountsAsASearchDoes) {
  std::mt19937 random(5);
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % n); };
  for (int round = 0; round < 3000; ++round) {
    std::vector<int64_t> ts_ms;
    int64_t ts = below(5000) - 2000;
    const int64_t interval = 1 + below(300);
    const int64_t late = 1 + below(interval);
    const int64_t kind = below(4);
    for (int64_t i = below(200); i > 0; --i) {
      ts += interval;
      if (kind == 1 && below(10) == 0) ts += below(20) * interval;  // gaps
      if (kind == 2) ts += below(300);                              // as it comes
      ts_ms.push_back(kind == 3 && below(8) == 0 ? ts + below(late) : ts);
    }
    ExpectAsSearched(ts_ms, below(4000) - 3000, 1 + below(700), static_cast<size_t>(below(120)));
  }
}

TEST(TimeGridTest, KnowsOneTimeAndTimesFarAway) {
  ExpectAsSearched({10, 20, 30}, 20, 0, 1);
  ExpectAsSearched({}, 20, 10, 3);
  ExpectAsSearched({10}, 0, 5, 5);
  ExpectAsSearched({0, 1, 1'000'000'000'000}, -5, 3, 10);
  ExpectAsSearched({0, 1'000'000'000'000, 1'000'000'000'001}, 999'999'999'995, 1, 12);
  ExpectAsSearched({1, 2, 3}, -8'000'000'000'000'000, 1'000'000'000'000'000, 17);
}

}  // namespace
}  // namespace leadline::collector::promql
