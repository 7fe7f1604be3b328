#include "cli/query_reply.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <set>
#include <utility>

#include "absl/time/time.h"
#include <boost/json.hpp>
#include <fmt/format.h>
#include <re2/re2.h>

#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::cli {
namespace {

namespace json = boost::json;

// Of what is seldom missing and says where a thing is.
constexpr std::string_view kLeadingLabels[] = {kMetricName,  "cluster",  "node",
                                               "namespace",  "workload", "controller_kind",
                                               "controller", "pod",      "container"};

absl::Status NotAnAnswer(std::string_view why) {
  return absl::InternalError(
      fmt::format("the collector's answer is not of Prometheus' API: {}", why));
}

std::string Text(const json::value& value) {
  if (const auto* string = value.if_string()) return std::string(string->data(), string->size());
  return json::serialize(value);
}

const json::value* Find(const json::value& value, std::string_view key) {
  const auto* object = value.if_object();
  return object == nullptr ? nullptr
                           : object->if_contains(json::string_view(key.data(), key.size()));
}

std::string HistogramText(const json::value& histogram) {
  const json::value* const count = Find(histogram, "count");
  const json::value* const sum = Find(histogram, "sum");
  return fmt::format("count={} sum={}", count == nullptr ? "?" : Text(*count),
                     sum == nullptr ? "?" : Text(*sum));
}

// [1435781451.781, "1"], or with a histogram in the place of the string.
absl::StatusOr<ReplySample> ParseSample(const json::value& value) {
  const auto* pair = value.if_array();
  if (pair == nullptr || pair->size() != 2) return NotAnAnswer("a sample is no pair");
  ReplySample sample;
  boost::system::error_code error;
  sample.time_seconds = (*pair)[0].to_number<double>(error);
  if (error) return NotAnAnswer("a sample's time is no number");
  sample.value = (*pair)[1].is_object() ? HistogramText((*pair)[1]) : Text((*pair)[1]);
  return sample;
}

absl::Status AppendSamples(const json::value* array, ReplySeries& series) {
  if (array == nullptr) return absl::OkStatus();
  if (!array->is_array()) return NotAnAnswer("samples are no array");
  for (const json::value& value : array->get_array()) {
    LL_ASSIGN_OR_RETURN(ReplySample sample, ParseSample(value));
    series.samples.push_back(std::move(sample));
  }
  return absl::OkStatus();
}

absl::StatusOr<ReplySeries> ParseSeries(const json::value& value) {
  const json::value* const metric = Find(value, "metric");
  if (metric == nullptr || !metric->is_object()) return NotAnAnswer("a series has no labels");
  ReplySeries series;
  for (const auto& [name, label] : metric->get_object()) {
    series.labels[std::string(name.data(), name.size())] = Text(label);
  }
  for (const char* key : {"value", "histogram"}) {
    const json::value* const sample = Find(value, key);
    if (sample == nullptr) continue;
    LL_ASSIGN_OR_RETURN(ReplySample parsed, ParseSample(*sample));
    series.samples.push_back(std::move(parsed));
  }
  LL_RETURN_IF_ERROR(AppendSamples(Find(value, "values"), series));
  LL_RETURN_IF_ERROR(AppendSamples(Find(value, "histograms"), series));
  std::stable_sort(
      series.samples.begin(), series.samples.end(),
      [](const ReplySample& a, const ReplySample& b) { return a.time_seconds < b.time_seconds; });
  return series;
}

std::vector<std::string> LabelColumns(const QueryReply& reply) {
  std::set<std::string> names;
  for (const ReplySeries& series : reply.series) {
    for (const auto& [name, value] : series.labels) names.insert(name);
  }
  std::vector<std::string> columns;
  for (std::string_view leading : kLeadingLabels) {
    if (auto found = names.find(std::string(leading)); found != names.end()) {
      columns.push_back(*found);
      names.erase(found);
    }
  }
  columns.insert(columns.end(), names.begin(), names.end());
  return columns;
}

std::string Capitals(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

// A value with six significant digits, whole numbers whole; what is no plain number as it is.
std::string ValueForPeople(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value) ||
      value == std::trunc(value)) {
    return text;
  }
  const double magnitude = std::fabs(value);
  if (magnitude < 1e-4) return fmt::format("{:.6g}", value);
  const int before_point = magnitude < 1 ? 1 : static_cast<int>(std::log10(magnitude)) + 1;
  std::string shortened = fmt::format("{:.{}f}", value, std::max(0, 6 - before_point));
  if (shortened.find('.') != std::string::npos) {
    shortened.erase(shortened.find_last_not_of('0') + 1);
    if (shortened.back() == '.') shortened.pop_back();
  }
  return shortened;
}

std::string TimeText(double seconds) {
  const absl::Time time = absl::FromUnixMillis(std::llround(seconds * 1000));
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", time, absl::UTCTimeZone());
}

}  // namespace

absl::StatusOr<QueryReply> ParseQueryReply(std::string_view body) {
  boost::system::error_code error;
  const json::value root = json::parse(json::string_view(body.data(), body.size()), error);
  if (error) return NotAnAnswer(error.message());
  const json::value* const status = Find(root, "status");
  if (status != nullptr && Text(*status) == "error") {
    const json::value* const text = Find(root, "error");
    return absl::InvalidArgumentError(text == nullptr ? "unknown error" : Text(*text));
  }
  const json::value* const data = Find(root, "data");
  const json::value* const type = data == nullptr ? nullptr : Find(*data, "resultType");
  const json::value* const result = data == nullptr ? nullptr : Find(*data, "result");
  if (type == nullptr || result == nullptr || !result->is_array()) return NotAnAnswer("no result");
  QueryReply reply;
  reply.type = Text(*type);
  for (const char* key : {"warnings", "infos"}) {
    const json::value* const remarks = Find(root, key);
    if (remarks == nullptr || !remarks->is_array()) continue;
    for (const json::value& remark : remarks->get_array()) reply.remarks.push_back(Text(remark));
  }
  if (reply.type == "scalar" || reply.type == "string") {
    LL_ASSIGN_OR_RETURN(reply.scalar, ParseSample(*result));
    return reply;
  }
  for (const json::value& value : result->get_array()) {
    LL_ASSIGN_OR_RETURN(ReplySeries series, ParseSeries(value));
    reply.series.push_back(std::move(series));
  }
  return reply;
}

bool AsksForOrder(const std::string& query) {
  static const RE2 ordered(R"((?i)[\s(]*(?:topk|bottomk|sort[a-z_]*)\b)");
  return ordered.Match(query, 0, query.size(), RE2::ANCHOR_START, nullptr, 0);
}

Table ToTable(const QueryReply& reply, const std::string& query, HeaderStyle style) {
  const bool for_people = style == HeaderStyle::kForPeople;
  const bool with_time = reply.type == "matrix";
  Table table;
  table.last_is_number = true;
  if (reply.type == "scalar" || reply.type == "string") {
    table.header = {for_people ? "VALUE" : "value"};
    table.last_is_number = reply.type == "scalar";
    table.rows = {{reply.scalar.value}};
    return table;
  }
  const std::vector<std::string> columns = LabelColumns(reply);
  for (const std::string& name : columns) {
    table.header.push_back(!for_people ? name : name == kMetricName ? "METRIC" : Capitals(name));
  }
  if (with_time) table.header.emplace_back(for_people ? "TIME" : "time");
  table.header.emplace_back(for_people ? "VALUE" : "value");
  for (const ReplySeries& series : reply.series) {
    for (const ReplySample& sample : series.samples) {
      std::vector<std::string>& row = table.rows.emplace_back();
      for (const std::string& name : columns) {
        const auto label = series.labels.find(name);
        row.push_back(label != series.labels.end() ? label->second : for_people ? "<none>" : "");
      }
      if (with_time) row.push_back(TimeText(sample.time_seconds));
      row.push_back(for_people ? ValueForPeople(sample.value) : sample.value);
    }
  }
  if (with_time || !AsksForOrder(query)) {
    std::stable_sort(table.rows.begin(), table.rows.end(), [&](const auto& a, const auto& b) {
      const auto labels = static_cast<std::ptrdiff_t>(columns.size());
      return std::lexicographical_compare(a.begin(), a.begin() + labels, b.begin(),
                                          b.begin() + labels);
    });
  }
  return table;
}

}  // namespace leadline::cli
