// Random PromQL over the series of oracle_series.h, in what Prometheus 2.42 and 3 have in common:
// every operator and function of 2.42 but those of native histograms.
//
// Where the two differ, no query is made, but for double_exponential_smoothing, which 2.42 calls
// holt_winters. 2.42 includes a range's left end, so offsets, ranges and
// steps are multiples of 5 s (the samples are at other times). It takes a rate back to where a
// counter was 0, however far; keeps the metric's name behind atan2; knows the date of NaN and its
// variance; moves the range of predict_linear with the steps although @ fixes it; refuses a sign
// before series of equal labels although they never have samples at the same step. It is
// asked for durations as it writes them, and nothing is asked that 3 has added: that has scripts of
// its own. Of equal values topk keeps any, and % makes of a last bit what it likes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

namespace leadline::collector::promqltest {

class RandomQuery {
 public:
  explicit RandomQuery(uint32_t seed) : random_(seed) {}

  // Of any type; a range vector only where `instant`.
  std::string Next(bool instant);

 private:
  bool Chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  std::string Pick(std::initializer_list<const char*> texts);
  std::string Seconds(std::initializer_list<int> seconds);
  std::string Labels();  // "(ns, pod)"

  std::string Modifiers();
  std::string Matchers();
  std::string Selector();
  std::string Scalar(int depth);
  std::string Vector(int depth);
  std::string Range(int depth);
  std::string CounterRange();
  std::string Aggregation(int depth);
  std::string Function(int depth);
  std::string Operation(int depth);

  std::mt19937 random_;
  bool in_subquery_ = false;  // within another, 2.42 would have the left end of its range
};

}  // namespace leadline::collector::promqltest
