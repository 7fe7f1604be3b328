#include "tests/promql/script.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <regex>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "collector/promql/engine.h"
#include "collector/promql/parse/literal.h"
#include "collector/promql/parse/parser.h"
#include "common/status_macros.h"
#include "common/status_text.h"
#include "tests/promql/script_values.h"

namespace leadline::collector::promqltest {
namespace {

using promql::Histogram;
using promql::QueryResult;
using promql::ResultSeries;
using promql::Sample;

std::string_view Trim(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t\r"), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(" \t\r") + 1);
}

absl::Status At(int line, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("line {}: {}", line, what));
}

absl::Status At(int line, const absl::Status& status) { return At(line, StatusMessage(status)); }

std::string_view TakeWord(std::string_view& text) {
  text = Trim(text);
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  text = Trim(text);
  return word;
}

std::optional<int64_t> TimeMs(std::string_view text) {
  if (const auto ms = promql::parse::ParseDurationMs(text)) return ms;
  const auto seconds = promql::parse::ParseNumber(text);
  if (!seconds.has_value()) return std::nullopt;
  return std::llround(*seconds * 1000);
}

// Where "name{…}" ends, quotes within the braces respected.
size_t EndOfSeries(std::string_view text) {
  bool quoted = false;
  bool braces = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
    if (quoted) continue;
    if (text[i] == '{') braces = true;
    if (text[i] == '}') return i + 1;
    if (!braces && (text[i] == ' ' || text[i] == '\t')) return i;
  }
  return text.size();
}

class ScriptParser {
 public:
  absl::StatusOr<std::vector<Command>> Parse(std::string_view text) {
    std::istringstream lines{std::string(text)};
    std::string line;
    while (std::getline(lines, line)) {
      ++line_;
      const std::string_view trimmed = Trim(line);
      if (trimmed.empty() || trimmed.starts_with('#')) continue;
      const bool indented = line.front() == ' ' || line.front() == '\t';
      LL_RETURN_IF_ERROR(indented ? Continue(trimmed) : Begin(trimmed));
    }
    return std::move(commands_);
  }

 private:
  absl::Status Begin(std::string_view line) {
    Command& command = commands_.emplace_back();
    command.line = line_;
    const std::string_view word = TakeWord(line);
    if (word == "clear") return absl::OkStatus();
    if (word == "load") {
      command.kind = Command::Kind::kLoad;
      return Load(line, command.load);
    }
    if (word == "eval") {
      command.kind = Command::Kind::kEval;
      return Eval(line, command.eval);
    }
    return At(line_, fmt::format("unknown command \"{}\"", word));
  }

  absl::Status Load(std::string_view line, LoadCommand& load) const {
    const auto interval_ms = TimeMs(TakeWord(line));
    if (!interval_ms.has_value()) return At(line_, "bad interval");
    load.interval_ms = *interval_ms;
    load.entity_end_ms = std::numeric_limits<int64_t>::max();
    if (line.empty()) return absl::OkStatus();
    if (TakeWord(line) != "life") return At(line_, "expected \"life\"");
    const std::string_view from = TakeWord(line);
    const auto start_ms = from == "-" ? std::optional<int64_t>(0) : TimeMs(from);
    if (TakeWord(line) != "to") return At(line_, "expected \"to\"");
    const std::string_view to = TakeWord(line);
    const auto end_ms = to == "-" ? std::optional<int64_t>(load.entity_end_ms) : TimeMs(to);
    if (!start_ms.has_value() || !end_ms.has_value()) return At(line_, "bad life");
    load.entity_start_ms = *start_ms;
    load.entity_end_ms = *end_ms;
    return absl::OkStatus();
  }

  absl::Status Eval(std::string_view line, EvalCommand& eval) const {
    const std::string_view kind = TakeWord(line);
    eval.range = kind == "range";
    if (kind != "range" && kind != "instant") return At(line_, "expected \"instant\" or \"range\"");
    const auto take = [&](std::string_view word, int64_t& ms) {
      if (TakeWord(line) != word) return At(line_, fmt::format("expected \"{}\"", word));
      const auto parsed = TimeMs(TakeWord(line));
      if (!parsed.has_value()) return At(line_, "bad time");
      ms = *parsed;
      return absl::OkStatus();
    };
    if (eval.range) {
      LL_RETURN_IF_ERROR(take("from", eval.start_ms));
      LL_RETURN_IF_ERROR(take("to", eval.end_ms));
      LL_RETURN_IF_ERROR(take("step", eval.step_ms));
    } else {
      LL_RETURN_IF_ERROR(take("at", eval.start_ms));
    }
    eval.expr = line;
    return absl::OkStatus();
  }

  absl::Status Continue(std::string_view line) {
    if (commands_.empty()) return At(line_, "indented line without a command");
    Command& command = commands_.back();
    const size_t end = EndOfSeries(line);
    const std::string series(line.substr(0, end));
    const std::string values(Trim(line.substr(end)));
    switch (command.kind) {
      case Command::Kind::kClear:
        return At(line_, "nothing belongs to \"clear\"");
      case Command::Kind::kLoad:
        command.load.series.push_back({series, values});
        return absl::OkStatus();
      case Command::Kind::kEval:
        if (series == "expect") return Expect(values, command.eval);
        command.eval.results.push_back({series, values});
        return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  absl::Status Expect(std::string_view what, EvalCommand& eval) const {
    const std::string_view word = TakeWord(what);
    if (word == "ordered") {
      eval.ordered = true;
    } else if (word == "fail") {
      eval.fails = true;
      if (what.starts_with("msg:")) eval.message = Trim(what.substr(4));
      if (what.starts_with("regex:")) eval.regex = Trim(what.substr(6));
    } else if (word == "warn") {
      eval.warns = true;
      if (what.starts_with("msg:")) eval.warning = Trim(what.substr(4));
      if (what.starts_with("regex:")) eval.warning_regex = Trim(what.substr(6));
    } else if (word == "no_warn") {
      eval.no_warn = true;
    } else if (word == "info") {
      eval.informs = true;
      if (what.starts_with("msg:")) eval.info = Trim(what.substr(4));
      if (what.starts_with("regex:")) eval.info_regex = Trim(what.substr(6));
    } else if (word == "no_info") {
      eval.no_info = true;
    } else {
      return At(line_, fmt::format("unknown expectation \"{}\"", word));
    }
    return absl::OkStatus();
  }

  int line_ = 0;
  std::vector<Command> commands_;
};

absl::StatusOr<LabelSet> ParseLabels(std::string_view text) {
  if (text == "{}") return LabelSet();
  LL_ASSIGN_OR_RETURN(const auto matchers, promql::parse::ParseSelector(text));
  LabelSet labels;
  for (const auto& matcher : matchers) labels.Set(matcher.name, matcher.value);
  return labels;
}

std::vector<model::NativeHistogram::Bucket> ToModel(const std::vector<Histogram::Bucket>& from) {
  std::vector<model::NativeHistogram::Bucket> buckets;
  buckets.reserve(from.size());
  for (const auto& bucket : from) {
    buckets.push_back({bucket.index, static_cast<uint64_t>(bucket.count)});
  }
  return buckets;
}

model::NativeHistogram ToModel(const Histogram& from) {
  return {from.schema,
          from.reset_hint,
          from.zero_threshold,
          static_cast<uint64_t>(from.zero_count),
          static_cast<uint64_t>(from.count),
          from.sum,
          ToModel(from.positive),
          ToModel(from.negative),
          from.custom_bounds};
}

bool Near(double want, double have) {
  if (std::isnan(want) || std::isnan(have)) return std::isnan(want) && std::isnan(have);
  if (want == have) return true;
  return std::fabs(want - have) <= 1e-9 * std::max(std::fabs(want), std::fabs(have));
}

bool Near(const std::vector<Histogram::Bucket>& want, const std::vector<Histogram::Bucket>& have) {
  if (want.size() != have.size()) return false;
  for (size_t i = 0; i < want.size(); ++i) {
    if (want[i].index != have[i].index || !Near(want[i].count, have[i].count)) return false;
  }
  return true;
}

bool Near(const Histogram& want, const Histogram& have) {
  return want.schema == have.schema && want.zero_threshold == have.zero_threshold &&
         Near(want.zero_count, have.zero_count) && Near(want.count, have.count) &&
         Near(want.sum, have.sum) && Near(want.positive, have.positive) &&
         Near(want.negative, have.negative) && want.custom_bounds == have.custom_bounds &&
         (want.reset_hint == model::ResetHint::kUnknown || want.reset_hint == have.reset_hint);
}

std::string Show(const Histogram& histogram) {
  std::string text =
      fmt::format("{{{{schema:{} count:{} sum:{} z_bucket:{} z_bucket_w:{}", histogram.schema,
                  histogram.count, histogram.sum, histogram.zero_count, histogram.zero_threshold);
  for (const auto& bucket : histogram.positive) {
    text += fmt::format(" {}={}", bucket.index, bucket.count);
  }
  for (const auto& bucket : histogram.negative) {
    text += fmt::format(" -{}={}", bucket.index, bucket.count);
  }
  for (const double bound : histogram.custom_bounds) text += fmt::format(" <={}", bound);
  return text + fmt::format(" hint:{}}}}}", static_cast<int>(histogram.reset_hint));
}

std::string Show(const ResultSeries& series) {
  std::string text = series.labels.ToString();
  for (size_t i = 0; i < series.values.size(); ++i) {
    text += fmt::format(" {}@{}ms", series.values[i], series.ts_ms[i]);
  }
  for (size_t i = 0; i < series.histograms.size(); ++i) {
    text += fmt::format(" {}@{}ms", Show(*series.histograms[i]), series.histogram_ts_ms[i]);
  }
  return text;
}

class EvalChecker {
 public:
  EvalChecker(const EvalCommand& eval, const QueryResult& result) : eval_(eval), result_(result) {}

  absl::Status Check() {
    LL_RETURN_IF_ERROR(CheckAnnotations());
    if (result_.type == QueryResult::Type::kScalar || result_.type == QueryResult::Type::kString) {
      return CheckScalar();
    }
    if (eval_.results.size() != result_.series.size()) return Fail("number of series differs");
    for (size_t i = 0; i < eval_.results.size(); ++i) LL_RETURN_IF_ERROR(CheckSeries(i));
    return absl::OkStatus();
  }

 private:
  absl::Status Fail(std::string_view why) const {
    std::string text = fmt::format("{}: {}", eval_.expr, why);
    for (const ResultSeries& series : result_.series) text += "\n  have " + Show(series);
    for (const Expectation& want : eval_.results) {
      text += fmt::format("\n  want {} {}", want.text, want.values);
    }
    return absl::FailedPreconditionError(text);
  }

  absl::Status CheckAnnotations() const {
    const auto& [warnings, infos] = result_.annotations;
    if (eval_.warns && warnings.empty()) return Fail("no warning");
    if (eval_.no_warn && !warnings.empty()) return Fail(*warnings.begin());
    if (eval_.informs && infos.empty()) return Fail("no info");
    if (!eval_.warning.empty() && !Has(warnings, eval_.warning)) {
      return Fail("other warnings: " + *warnings.begin());
    }
    if (!eval_.info.empty() && !Has(infos, eval_.info)) {
      return Fail("other infos: " + *infos.begin());
    }
    if (!Found(eval_.warning_regex, warnings)) return Fail("other warnings: " + *warnings.begin());
    if (!Found(eval_.info_regex, infos)) return Fail("other infos: " + *infos.begin());
    if (eval_.no_info && !infos.empty()) return Fail(*infos.begin());
    return absl::OkStatus();
  }

  // Whether it is one of the texts, with its place or without.
  static bool Has(const std::set<std::string>& texts, const std::string& wanted) {
    return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
      return text == wanted || text.substr(0, text.rfind(" (")) == wanted;
    });
  }

  // Whether one of the texts has something that matches; all have where nothing is asked for.
  static bool Found(const std::string& regex, const std::set<std::string>& texts) {
    return regex.empty() || std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
             return std::regex_search(text, std::regex(regex));
           });
  }

  absl::Status CheckScalar() const {
    if (eval_.results.size() != 1) return Fail("one value is expected of a scalar");
    const std::string& want = eval_.results.front().text;
    if (result_.type == QueryResult::Type::kString) {
      return want == fmt::format("\"{}\"", result_.string) ? absl::OkStatus()
                                                           : Fail(result_.string);
    }
    LL_ASSIGN_OR_RETURN(const auto values, ParseValues(want));
    if (values.size() == 1 && values.front().has_value() &&
        Near(values.front()->value, result_.scalar)) {
      return absl::OkStatus();
    }
    return Fail(fmt::format("have {}, want {}", result_.scalar, want));
  }

  absl::Status CheckSeries(size_t i) {
    LL_ASSIGN_OR_RETURN(const LabelSet labels, ParseLabels(eval_.results[i].text));
    const ResultSeries* have = nullptr;
    for (size_t k = 0; k < result_.series.size(); ++k) {
      if (result_.series[k].labels == labels && (!eval_.ordered || k == i)) {
        have = &result_.series[k];
      }
    }
    if (have == nullptr) return Fail(fmt::format("no {} here", eval_.results[i].text));
    LL_ASSIGN_OR_RETURN(const auto values, ParseValues(eval_.results[i].values));
    size_t next_float = 0;
    size_t next_histogram = 0;
    for (size_t step = 0; step < values.size(); ++step) {
      if (!values[step].has_value()) continue;
      const int64_t ts_ms = eval_.start_ms + static_cast<int64_t>(step) * eval_.step_ms;
      if (!TakeEqual(*values[step], ts_ms, *have, next_float, next_histogram)) {
        return Fail(fmt::format("{} differs at {} ms", eval_.results[i].text, ts_ms));
      }
    }
    if (next_float != have->values.size() || next_histogram != have->histograms.size()) {
      return Fail(fmt::format("{} has more samples than expected", eval_.results[i].text));
    }
    return absl::OkStatus();
  }

  static bool TakeEqual(const Sample& want, int64_t ts_ms, const ResultSeries& have,
                        size_t& next_float, size_t& next_histogram) {
    if (want.histogram != nullptr) {
      const size_t i = next_histogram++;
      return i < have.histograms.size() && have.histogram_ts_ms[i] == ts_ms &&
             Near(*want.histogram, *have.histograms[i]);
    }
    const size_t i = next_float++;
    return i < have.values.size() && have.ts_ms[i] == ts_ms && Near(want.value, have.values[i]);
  }

  const EvalCommand& eval_;
  const QueryResult& result_;
};

absl::Status RunEval(const promql::Engine& engine, const EvalCommand& eval) {
  const absl::StatusOr<QueryResult> result =
      eval.range ? engine.Range("t", eval.expr, eval.start_ms, eval.end_ms, eval.step_ms)
                 : engine.Instant("t", eval.expr, eval.start_ms);
  if (!eval.fails) {
    if (!result.ok()) return result.status();
    return EvalChecker(eval, *result).Check();
  }
  if (result.ok()) return absl::FailedPreconditionError(eval.expr + " did not fail");
  const std::string message(result.status().message());
  const bool as_expected =
      (eval.message.empty() || message == eval.message) &&
      (eval.regex.empty() || std::regex_search(message, std::regex(eval.regex)));
  if (as_expected) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format("{} failed with: {}", eval.expr, message));
}

}  // namespace

absl::Status LoadInto(MemoryQueryable& store, const LoadCommand& load) {
  for (const LoadedSeries& series : load.series) {
    LL_ASSIGN_OR_RETURN(LabelSet labels, ParseLabels(series.text));
    LL_ASSIGN_OR_RETURN(const auto values, ParseValues(series.values));
    store::SeriesBlock block;
    block.labels = std::make_shared<const LabelSet>(std::move(labels));
    block.entity_start_ms = load.entity_start_ms;
    block.entity_end_ms = load.entity_end_ms;
    for (size_t i = 0; i < values.size(); ++i) {
      if (!values[i].has_value()) continue;
      const int64_t ts_ms = static_cast<int64_t>(i) * load.interval_ms;
      if (values[i]->histogram != nullptr) {
        block.histogram_ts_ms.push_back(ts_ms);
        block.histograms.push_back(ToModel(*values[i]->histogram));
      } else {
        block.ts_ms.push_back(ts_ms);
        block.values.push_back(values[i]->value);
      }
    }
    store.Add(std::move(block));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Command>> ParseScript(std::string_view text) {
  return ScriptParser().Parse(text);
}

absl::Status RunScript(std::string_view text) {
  LL_ASSIGN_OR_RETURN(const std::vector<Command> commands, ParseScript(text));
  MemoryQueryable store;
  const promql::Engine engine(store, {});
  for (const Command& command : commands) {
    absl::Status status;
    switch (command.kind) {
      case Command::Kind::kClear:
        store.Clear();
        break;
      case Command::Kind::kLoad:
        status = LoadInto(store, command.load);
        break;
      case Command::Kind::kEval:
        status = RunEval(engine, command.eval);
        break;
    }
    if (!status.ok()) return At(command.line, status);
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::promqltest
