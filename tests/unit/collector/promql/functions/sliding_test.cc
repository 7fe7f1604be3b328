// What slides over windows gives what the kernels give window by window.
#include "collector/promql/functions/sliding.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "collector/promql/functions/extrapolation.h"
#include "collector/promql/functions/function.h"
#include "collector/promql/value/sample.h"

namespace leadline::collector::promql {
namespace {

struct Case {
  std::vector<int64_t> ts_ms;
  std::vector<double> values;
  int64_t first_end_ms;
  int64_t step_ms;
  int64_t range_ms;
  size_t steps;
  int64_t entity_start_ms = 0;
  int64_t entity_end_ms = std::numeric_limits<int64_t>::max();
};

Case RandomCase(std::mt19937& random) {
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % n); };
  constexpr double kOdd[] = {std::numeric_limits<double>::quiet_NaN(), 1e6, -1e6, 0.0, -0.0, 5};
  Case made;
  int64_t ts_ms = below(1000);
  const bool regular = below(2) == 0;
  const bool odd = below(4) == 0;
  double counter = 0;
  for (int64_t i = below(200); i > 0; --i) {
    ts_ms += regular ? 100 : 1 + below(300);
    made.ts_ms.push_back(ts_ms);
    counter = below(10) == 0 ? static_cast<double>(below(5)) : counter + 0.1 * double(below(100));
    made.values.push_back(odd && below(3) == 0 ? kOdd[below(6)] : counter);
  }
  made.step_ms = 1 + below(400);
  made.range_ms = 1 + below(below(2) == 0 ? 5000 : 300);
  made.first_end_ms = below(3000) - 500;
  made.steps = 1 + static_cast<size_t>(below(100));
  if (!made.ts_ms.empty() && below(2) == 0) made.entity_start_ms = made.ts_ms[0] - below(300);
  if (!made.ts_ms.empty() && below(2) == 0) made.entity_end_ms = made.ts_ms.back() + below(300);
  return made;
}

bool Near(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::fabs(a - b) <= 1e-6 + 1e-9 * std::max(std::fabs(a), std::fabs(b));
}

TEST(SlidingTest, GivesWhatTheKernelsGive) {
  std::mt19937 random(7);
  for (int round = 0; round < 400; ++round) {
    const Case made = RandomCase(random);
    for (const Function& function : Functions()) {
      const auto* const range = std::get_if<RangeFunction>(&function.kernel);
      if (range == nullptr || range->sliding == nullptr) continue;
      std::vector<double> slid(made.steps, AbsentValue());
      range->sliding({.ts_ms = made.ts_ms,
                      .values = made.values,
                      .first_end_ms = made.first_end_ms,
                      .step_ms = made.step_ms,
                      .range_ms = made.range_ms,
                      .entity_start_ms = made.entity_start_ms,
                      .entity_end_ms = made.entity_end_ms},
                     absl::MakeSpan(slid));
      Annotations annotations;
      const Remarker remarker(annotations, "1:1");
      for (size_t step = 0; step < made.steps; ++step) {
        Window window;
        window.end_ms = window.eval_ms =
            made.first_end_ms + static_cast<int64_t>(step) * made.step_ms;
        window.start_ms = window.end_ms - made.range_ms;
        const auto begin = std::upper_bound(made.ts_ms.begin(), made.ts_ms.end(), window.start_ms) -
                           made.ts_ms.begin();
        const auto end = std::upper_bound(made.ts_ms.begin(), made.ts_ms.end(), window.end_ms) -
                         made.ts_ms.begin();
        window.ts_ms = absl::MakeConstSpan(made.ts_ms).subspan(begin, end - begin);
        window.values = absl::MakeConstSpan(made.values).subspan(begin, end - begin);
        window.entity_start_ms = made.entity_start_ms;
        window.entity_end_ms = made.entity_end_ms;
        window.remarker = &remarker;
        const Sample expected = begin == end ? Sample{} : range->kernel(window);
        ASSERT_EQ(IsAbsent(slid[step]), IsAbsent(expected.value))
            << function.name << " round " << round << " step " << step;
        ASSERT_TRUE(Near(slid[step], expected.value))
            << function.name << " round " << round << " step " << step << ": " << slid[step]
            << " is not " << expected.value;
      }
    }
  }
}

// One after the other with what is kept between them, as alone; the same timestamps come again with
// other values, other lives and other steps.
TEST(SlidingTest, RatesAreTheSameWithWhatSeriesBeforeLeft) {
  std::mt19937 random(11);
  ExtrapolatedWindows kept;
  for (int round = 0; round < 300; ++round) {
    Case made = RandomCase(random);
    for (int again = 0; again < 6; ++again) {
      if (again == 1) {
        for (double& value : made.values) value *= 3;
      }
      if (again == 2) made.entity_start_ms = 0;
      if (again == 3) made.entity_end_ms = std::numeric_limits<int64_t>::max();
      if (again == 4) ++made.first_end_ms;
      if (again == 5 && !made.ts_ms.empty()) ++made.ts_ms.back();
      FloatWindows windows{.ts_ms = made.ts_ms,
                           .values = made.values,
                           .first_end_ms = made.first_end_ms,
                           .step_ms = made.step_ms,
                           .range_ms = made.range_ms,
                           .entity_start_ms = made.entity_start_ms,
                           .entity_end_ms = made.entity_end_ms};
      for (const SlidingKernel slide : {SlideRate, SlideRate, SlideIncrease, SlideDelta}) {
        std::vector<double> alone(made.steps, AbsentValue());
        std::vector<double> behind(made.steps, AbsentValue());
        windows.extrapolated = nullptr;
        slide(windows, absl::MakeSpan(alone));
        windows.extrapolated = &kept;
        slide(windows, absl::MakeSpan(behind));
        ASSERT_EQ(0, std::memcmp(alone.data(), behind.data(), alone.size() * sizeof(double)))
            << "round " << round << ", " << again;
      }
    }
  }
}

// What is known without a division is what the division would tell, to the last bit.
TEST(SlidingTest, ScalesAreThoseOfTheWholeRule) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kOdd[] = {0, 5e-324, 1e-310, 1e-3, 0.5, 1, 1e300, 1.7e308, kInfinity, -1};
  std::mt19937 random(13);
  for (int round = 0; round < 200; ++round) {
    const Case made = RandomCase(random);
    ExtrapolatedWindows extrapolated;
    const double per = Seconds(made.range_ms);
    extrapolated.MoveTo({.ts_ms = made.ts_ms,
                         .first_end_ms = made.first_end_ms,
                         .step_ms = made.step_ms,
                         .range_ms = made.range_ms,
                         .entity_start_ms = made.entity_start_ms,
                         .entity_end_ms = made.entity_end_ms},
                        made.steps, per);
    for (size_t i = 0; i < made.steps; ++i) {
      if (!extrapolated[i].has()) continue;
      const int64_t end_ms = made.first_end_ms + static_cast<int64_t>(i) * made.step_ms;
      const size_t first = extrapolated[i].first;
      const size_t last = extrapolated[i].last;
      const Extent extent = {end_ms - made.range_ms, end_ms,           made.ts_ms[first],
                             made.ts_ms[last],       last - first + 1, made.entity_start_ms,
                             made.entity_end_ms};
      for (const double value : kOdd) {
        for (const double rise : kOdd) {
          for (const bool is_counter : {true, false}) {
            const double scale = extrapolated.Scale(i, is_counter, value, rise);
            const double whole = ExtrapolationFactor(extent, is_counter, value, rise) / per;
            ASSERT_EQ(scale, whole) << value << " " << rise << " round " << round;
          }
        }
      }
    }
  }
}

TEST(SlidingTest, SumsForgetWhatHasLeft) {
  const std::vector<int64_t> ts_ms = {10, 20, 30, 40, 50, 60};
  const std::vector<double> values = {1e300, 1, std::numeric_limits<double>::infinity(), 2, 3, 4};
  std::vector<double> out(6, AbsentValue());
  SlideSum({.ts_ms = ts_ms, .values = values, .first_end_ms = 10, .step_ms = 10, .range_ms = 20},
           absl::MakeSpan(out));
  EXPECT_EQ(out, (std::vector<double>{1e300, 1e300, values[2], values[2], 5, 7}));
}

TEST(SlidingTest, MeansAreFiniteWhereSumsAreNot) {
  const std::vector<int64_t> ts_ms = {10, 20, 30};
  const std::vector<double> values = {1.5e308, 1.5e308, 1.5e308};
  std::vector<double> out(1, AbsentValue());
  SlideAvg({.ts_ms = ts_ms, .values = values, .first_end_ms = 30, .step_ms = 1, .range_ms = 30},
           absl::MakeSpan(out));
  EXPECT_DOUBLE_EQ(out[0], 1.5e308);
}

}  // namespace
}  // namespace leadline::collector::promql
