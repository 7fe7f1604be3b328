#include "tests/promql/hostile_query.h"

#include <random>
#include <string_view>

#include <fmt/format.h>

namespace leadline::collector::promqltest {
namespace {

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  HostileQuery Make() {
    HostileQuery query;
    query.text = Vector(2 + Below(7));
    query.end_ms = 3'600'000;
    if (Below(2) == 0) return query;
    query.step_ms = Pick({1, 10, 1000, 15'000, 60'000, 3'600'000});
    query.start_ms = query.end_ms - query.step_ms * Pick({1, 10, 100, 1000, 11'000});
    return query;
  }

 private:
  size_t Below(size_t n) { return random_() % n; }
  int64_t Pick(std::initializer_list<int64_t> from) { return from.begin()[Below(from.size())]; }
  std::string_view Pick(std::initializer_list<std::string_view> from) {
    return from.begin()[Below(from.size())];
  }

  std::string Range() { return std::string(Pick({"1ms", "5s", "1m", "1h", "30d", "10y", "100y"})); }
  std::string Step() { return std::string(Pick({"", "1ms", "1s", "7s", "1m", "1d"})); }
  std::string Offset() {
    return std::string(Pick({"", "", "", " offset 5m", " offset -10y", " @ 0", " @ end()",
                             " @ start() offset -1d", " @ 4000000000"}));
  }

  std::string Selector() {
    return std::string(
        Pick({"a", "b", "c", "h", "{__name__=~\".+\"}", "{__name__!=\"\"}",
              "{__name__!=\"\",i=~\"(.*)*x?(.*)*\"}", "{__name__=~\"a|b|c|h\",i!~\"(a|aa)+$\"}",
              "a{i=~\"((1|2|3|4|5|6|7|8|9|0)*)*\"}", "a{j=~\".*.*.*.*.*.*.*.*.*.*y\"}",
              "{__name__!=\"\",__name__=~\"(a?){50}a{50}|.*\"}", "nothing", "{i=~\".{1,100}\"}",
              "a{i=\"3\",j!=\"\"}"}));
  }

  std::string RangeVector(size_t depth) {
    if (depth == 0 || Below(3) > 0) return fmt::format("{}[{}]{}", Selector(), Range(), Offset());
    return fmt::format("({})[{}:{}]{}", Vector(depth - 1), Range(), Step(), Offset());
  }

  std::string Labels() {
    return std::string(Pick({"", "i", "j", "i, j", "__name__", "i, j, __name__, le"}));
  }

  std::string Aggregate(size_t depth) {
    const std::string grouping =
        Below(3) == 0 ? "" : fmt::format(" {} ({})", Pick({"by", "without"}), Labels());
    switch (Below(5)) {
      case 0:
        return fmt::format("{}{} ({}, {})", Pick({"topk", "bottomk", "limitk"}), grouping,
                           Pick({"0", "1", "1e9", "-1", "9e18"}), Vector(depth - 1));
      case 1:
        return fmt::format("quantile{} ({}, {})", grouping, Pick({"0.5", "-1", "NaN", "Inf"}),
                           Vector(depth - 1));
      case 2:
        return fmt::format("count_values{} (\"{}\", {})", grouping, Pick({"i", "v", "__name__"}),
                           Vector(depth - 1));
      default:
        return fmt::format("{}{} ({})",
                           Pick({"sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"}),
                           grouping, Vector(depth - 1));
    }
  }

  std::string RangeCall(size_t depth) {
    if (Below(8) == 0) {
      return fmt::format("quantile_over_time({}, {})", Pick({"0.1", "2", "NaN"}),
                         RangeVector(depth - 1));
    }
    return fmt::format(
        "{}({})",
        Pick({"rate", "increase", "delta", "irate", "idelta", "deriv", "changes", "resets",
              "sum_over_time", "avg_over_time", "min_over_time", "max_over_time", "count_over_time",
              "last_over_time", "stddev_over_time", "present_over_time", "absent_over_time",
              "mad_over_time"}),
        RangeVector(depth - 1));
  }

  std::string LabelCall(size_t depth) {
    if (Below(2) == 0) {
      return fmt::format("label_replace({}, \"{}\", \"{}\", \"i\", \"(.*)\")", Vector(depth - 1),
                         Pick({"i", "j", "x", "__name__"}),
                         Pick({"$1$1$1$1$1$1$1$1", "$1", "", "x"}));
    }
    return fmt::format("label_join({}, \"{}\", \"{}\", \"i\", \"i\", \"j\", \"i\")",
                       Vector(depth - 1), Pick({"i", "x"}), Pick({"", "----------------"}));
  }

  std::string Binary(size_t depth) {
    const std::string_view op = Pick({"+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<",
                                      ">= bool", "== bool", "and", "or", "unless"});
    const bool is_set = op == "and" || op == "or" || op == "unless";
    std::string matching;
    if (Below(2) == 0) {
      matching = fmt::format(" {}({})", Pick({"on", "ignoring"}), Pick({"", "i", "j", "i, j"}));
      if (!is_set && Below(2) == 0) {
        matching += Pick({" group_left()", " group_right()", " group_left(x)"});
      }
    }
    return fmt::format("({} {}{} {})", Vector(depth - 1), op, matching, Vector(depth - 1));
  }

  std::string Call(size_t depth) {
    return fmt::format(
        "{}({})",
        Pick({"abs", "exp", "sqrt", "absent", "sort", "sort_desc", "timestamp", "hour", "sgn",
              "histogram_count", "histogram_avg", "histogram_stddev"}),
        Vector(depth - 1));
  }

  std::string Vector(size_t depth) {
    if (depth == 0) return Selector() + Offset();
    switch (Below(8)) {
      case 0:
      case 1:
        return Aggregate(depth);
      case 2:
      case 3:
        return RangeCall(depth);
      case 4:
        return LabelCall(depth);
      case 5:
        return Binary(depth);
      case 6:
        return fmt::format("histogram_quantile({}, {})", Pick({"0.99", "-1", "2"}),
                           Vector(depth - 1));
      default:
        return Call(depth);
    }
  }

  std::mt19937 random_;
};

}  // namespace

HostileQuery MakeHostileQuery(uint32_t seed) { return Generator(seed).Make(); }

}  // namespace leadline::collector::promqltest
