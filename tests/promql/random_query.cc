#include "tests/promql/random_query.h"

#include <fmt/format.h>

namespace leadline::collector::promqltest {

std::string RandomQuery::Pick(std::initializer_list<const char*> texts) {
  return *(texts.begin() + random_() % texts.size());
}

std::string RandomQuery::Seconds(std::initializer_list<int> seconds) {
  return fmt::format("{}s", *(seconds.begin() + random_() % seconds.size()));
}

std::string RandomQuery::Labels() {
  return Pick(
      {"()", "(ns)", "(pod)", "(ns, pod)", "(le)", "(pod, le)", "(nosuch)", "(ns, nosuch)"});
}

std::string RandomQuery::Next(bool instant) {
  if (Chance(8)) return Scalar(3);
  if (instant && Chance(8)) return Range(2);
  return Vector(4);
}

std::string RandomQuery::Modifiers() {
  std::string text;
  if (Chance(15)) text += " @ " + Pick({"1700006177.5", "1700006902.5", "start()", "end()"});
  if (Chance(20)) text += " offset " + Pick({"", "-"}) + Seconds({5, 60, 135, 600});
  return text;
}

std::string RandomQuery::Matchers() {
  std::string text;
  const int count = static_cast<int>(random_() % 3);
  for (int i = 0; i < count; ++i) {
    text += text.empty() ? "" : ",";
    text += Pick({R"(ns="1")", R"(ns!="1")", R"(ns=~"0|2")", R"(ns!~"[01]")", R"(pod=~"p.")",
                  R"(pod=~"p1.*")", R"(pod!="p8")", R"(pod!~".*[02468]")", R"(nosuch="")",
                  R"(nosuch!="x")", R"(nosuch=~".+")", R"(ns=~".*")", R"(ns="")", R"(pod="h1")",
                  R"(le="5")", R"(le!="+Inf")"});
  }
  return text.empty() ? "" : "{" + text + "}";
}

std::string RandomQuery::Selector() {
  const std::string matchers = Matchers();
  if (Chance(6)) return R"({__name__=~"calls_total|size_bytes"})";
  return Pick({"calls_total", "size_bytes", "size_bytes", "bucket", "nosuch"}) + matchers;
}

std::string RandomQuery::Scalar(int depth) {
  switch (depth > 0 ? random_() % 9 : random_() % 3) {
    case 0:
      return Pick({"0", "1", "2.5", "-7", "1e3", "NaN", "Inf", "-Inf", "0.1", "100000"});
    case 1:
      return Pick({"time()", "pi()", "3", "60"});
    case 2:
      return Pick({"1", "10", "0.5"});
    case 3:
      return "scalar(" + Vector(depth - 1) + ")";
    case 4:
      return "-(" + Scalar(depth - 1) + ")";
    case 5:
      return fmt::format("({} {} {})", Scalar(depth - 1), Pick({"+", "-", "*", "/", "^"}),
                         Scalar(depth - 1));
    case 6:
      return fmt::format("({} {} bool {})", Scalar(depth - 1),
                         Pick({"==", "!=", "<", "<=", ">", ">="}), Scalar(depth - 1));
    case 7:
      return fmt::format("{} {} {}", Pick({"2", "3", "7"}), Pick({"+", "-", "*", "^"}),
                         Scalar(depth - 1));
    default:
      return Pick({"5", "0", "1"});
  }
}

std::string RandomQuery::Range(int depth) {
  if (depth > 0 && !in_subquery_ && Chance(35)) {
    in_subquery_ = true;
    const std::string inner = Vector(depth - 1);
    in_subquery_ = false;
    return fmt::format("({})[{}:{}]{}", inner, Seconds({60, 150, 600, 1200}),
                       Seconds({5, 20, 45, 60}), Modifiers());
  }
  return fmt::format("{}[{}]{}", Selector(), Seconds({15, 60, 95, 300, 900, 3000}), Modifiers());
}

std::string RandomQuery::CounterRange() {
  return fmt::format("{}{}[{}]{}", Pick({"calls_total", "bucket"}), Matchers(),
                     Seconds({15, 60, 95, 300, 900, 3000}), Modifiers());
}

std::string RandomQuery::Aggregation(int depth) {
  const std::string grouping = Chance(60) ? Pick({"by ", "without "}) + Labels() + " " : "";
  switch (random_() % 8) {
    case 0:
      return fmt::format("{} {}({}, {})", Pick({"topk", "bottomk"}), grouping,
                         Pick({"1", "2", "3", "1000", "0", "-1"}), "size_bytes" + Matchers());
    case 1:
      return fmt::format("quantile {}({}, {})", grouping,
                         Pick({"0.5", "0.9", "0", "1", "-1", "2", "NaN"}), Vector(depth - 1));
    case 2:
      return fmt::format("count_values {}(\"{}\", {})", grouping, Pick({"v", "pod", "ns"}),
                         Selector());
    case 3:
      return fmt::format("{} {}({})", Pick({"stddev", "stdvar"}), grouping, Selector());
    default:
      return fmt::format("{} {}({})", Pick({"sum", "avg", "min", "max", "count", "group"}),
                         grouping, Vector(depth - 1));
  }
}

std::string RandomQuery::Function(int depth) {
  switch (random_() % 12) {
    case 0:
      if (Chance(20)) return fmt::format("{}({})", Pick({"sin", "cos", "tan"}), Selector());
      if (Chance(20)) {
        return fmt::format("{}({} / 100000)",
                           Pick({"acos", "asin", "acosh", "atanh", "sinh", "cosh", "exp"}),
                           Selector());
      }
      return fmt::format(
          "{}({})",
          Pick({"abs", "ceil", "floor", "sqrt", "ln", "log2", "log10", "sgn", "round", "timestamp",
                "deg", "rad", "atan", "asinh", "tanh", "sort", "sort_desc"}),
          Vector(depth - 1));
    case 1:
      return fmt::format("{}({}, {})", Pick({"clamp_min", "clamp_max", "round"}), Vector(depth - 1),
                         Scalar(1));
    case 2:
      return fmt::format("clamp({}, {}, {})", Vector(depth - 1), Scalar(1), Scalar(1));
    case 3:
      if (Chance(30)) return fmt::format("absent({})", Vector(depth - 1));
      if (Chance(20)) {
        return Pick({"minute()", "hour()", "day_of_week()", "day_of_month()", "day_of_year()",
                     "days_in_month()", "month()", "year()"});
      }
      return fmt::format("{}({} * {})",
                         Pick({"minute", "hour", "day_of_week", "day_of_month", "month", "year",
                               "days_in_month", "day_of_year"}),
                         Selector(), Pick({"1", "1000", "86400"}));
    case 4:
      return fmt::format(R"(label_replace({}, "{}", "{}", "{}", "{}"))", Vector(depth - 1),
                         Pick({"ns", "x", "pod"}), Pick({"$1", "a-$1-b", "", "${1}", "$2", "$"}),
                         Pick({"pod", "ns", "nosuch"}), Pick({"p(.*)", "(.)", "", ".*", "(p)(.)"}));
    case 5:
      return fmt::format(R"(label_join({}, "{}", "{}", {}))", Vector(depth - 1), Pick({"x", "ns"}),
                         Pick({"-", ""}), Pick({R"("ns", "pod")", R"("nosuch")", R"("pod")"}));
    case 6:
      return fmt::format("histogram_quantile({}, {})", Pick({"0.5", "0.9", "0", "1", "1.5", "NaN"}),
                         Chance(70)
                             ? fmt::format("rate(bucket{}[{}])", Matchers(), Seconds({60, 300}))
                             : Vector(depth - 1));
    case 7:
      return fmt::format("predict_linear({}[{}], {})", Selector(), Seconds({95, 300, 900}),
                         Pick({"60", "-600", "0"}));
    case 8:
      return fmt::format("quantile_over_time({}, {})", Pick({"0.5", "0.99", "-1", "2"}),
                         Range(depth - 1));
    case 9:
      if (Chance(40)) {
        return fmt::format("double_exponential_smoothing({}, {}, {})", Range(depth - 1),
                           Pick({"0.5", "0.01", "0.9"}), Pick({"0.1", "0.5", "0.99"}));
      }
      return fmt::format("vector({})", Scalar(depth - 1));
    case 10:
      return fmt::format("{}({})", Pick({"rate", "increase"}), CounterRange());
    default:
      return fmt::format("{}({})",
                         Pick({"irate", "delta", "idelta", "deriv", "changes", "resets",
                               "avg_over_time", "min_over_time", "max_over_time", "sum_over_time",
                               "count_over_time", "last_over_time", "present_over_time",
                               "stddev_over_time", "stdvar_over_time", "absent_over_time"}),
                         Range(depth - 1));
  }
}

std::string RandomQuery::Operation(int depth) {
  const std::string comparison =
      Pick({"==", "!=", "<", "<=", ">", ">="}) + (Chance(40) ? " bool" : "");
  const std::string op = Chance(40) ? comparison : Pick({"+", "-", "*", "/", "^"});
  switch (random_() % 5) {
    case 0:
      return fmt::format("({} {} {})", Vector(depth - 1), op, Scalar(depth - 1));
    case 1:
      return fmt::format("({} {} {})", Scalar(depth - 1), op, Vector(depth - 1));
    case 2:
      return fmt::format("({} {} {} {})", Vector(depth - 1), Pick({"and", "or", "unless"}),
                         Chance(50) ? Pick({"on ", "ignoring "}) + Labels() : "",
                         Vector(depth - 1));
    default: {
      std::string matching;
      if (Chance(75)) {
        matching = Pick({"on ", "ignoring "}) + Labels();
        if (Chance(50)) {
          matching +=
              Pick({" group_left ", " group_right "}) + Pick({"", "()", "(nosuch)", "(le)"});
        }
      }
      if (Chance(10)) return fmt::format("({} % {} {})", Selector(), matching, Selector());
      return fmt::format("({} {} {} {})", Vector(depth - 1), op, matching, Vector(depth - 1));
    }
  }
}

std::string RandomQuery::Vector(int depth) {
  if (depth <= 0 || Chance(15)) return Selector() + Modifiers();
  switch (random_() % 7) {
    case 0:
    case 1:
      return Aggregation(depth);
    case 2:
    case 3:
      return Function(depth);
    case 4:
    case 5:
      return Operation(depth);
    default:
      if (Chance(50)) return Pick({"-", "+"}) + "(" + Selector() + ")";
      return "(" + Vector(depth - 1) + ")";
  }
}

}  // namespace leadline::collector::promqltest
