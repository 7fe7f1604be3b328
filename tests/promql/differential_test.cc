// Random queries, asked of our HTTP API and of a real Prometheus 2.42 over the same samples, which
// ours has in memory or in a real store.
//
// LEADLINE_QUERIES and LEADLINE_SEED make more and other ones: every failure prints its query.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "collector/api/api_server.h"
#include "tests/promql/memory_queryable.h"
#include "tests/promql/oracle_series.h"
#include "tests/promql/prometheus_server.h"
#include "tests/promql/random_query.h"
#include "tests/promql/stored_series.h"

namespace leadline::collector::promqltest {
namespace {

namespace json = boost::json;

// Midnight is in the middle of the samples, so that they are in two windows.
constexpr int64_t kBaseMs = 1'700'005'400'000;
// Queries are at multiples of 2.5 s that are none of 5 s, and whatever they ask about is multiples
// of 5 s away: no sample is ever at the end of a range.
constexpr int64_t kSamplesAfterMs = 3'000;

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1e3; }

double Number(const json::value& value) {
  const std::string text(value.as_string().data(), value.as_string().size());
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  if (text == "-Inf") return -std::numeric_limits<double>::infinity();
  return std::strtod(text.c_str(), nullptr);
}

bool Near(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  // Sums of numbers of up to 1e6 that cancel each other out leave their rounding behind.
  return std::fabs(a - b) <= std::max(1e-9 * std::max(std::fabs(a), std::fabs(b)), 1e-7);
}

std::string PointsDiffer(const json::array& ours, const json::array& theirs) {
  if (ours.size() != theirs.size()) {
    return fmt::format("{} points, not {}", ours.size(), theirs.size());
  }
  for (size_t i = 0; i < ours.size(); ++i) {
    const json::array& a = ours[i].as_array();
    const json::array& b = theirs[i].as_array();
    if (a[0].to_number<double>() != b[0].to_number<double>() || !Near(Number(a[1]), Number(b[1]))) {
      return fmt::format("{}, not {}", json::serialize(a), json::serialize(b));
    }
  }
  return "";
}

std::map<std::string, const json::object*> BySeries(const json::array& result) {
  std::map<std::string, const json::object*> series;
  for (const json::value& one : result) {
    std::map<std::string, std::string> labels;
    for (const auto& [name, value] : one.at("metric").as_object()) {
      labels[std::string(name.data(), name.size())] = json::value_to<std::string>(value);
    }
    std::string key;
    for (const auto& [name, value] : labels) key += fmt::format("{}={},", name, value);
    series[key] = &one.as_object();
  }
  return series;
}

json::array OnePoint(const json::value& point) {
  json::array points;
  points.push_back(point);
  return points;
}

// How the two results differ, or "".
std::string Differ(const json::value& ours, const json::value& theirs) {
  if (ours.at("resultType") != theirs.at("resultType")) return "type";
  const json::array& a = ours.at("result").as_array();
  const json::array& b = theirs.at("result").as_array();
  if (ours.at("resultType").as_string() == "scalar") {
    return PointsDiffer(OnePoint(ours.at("result")), OnePoint(theirs.at("result")));
  }
  const auto own = BySeries(a);
  const auto wanted = BySeries(b);
  for (const auto& [key, series] : wanted) {
    const auto found = own.find(key);
    if (found == own.end()) return "lacks " + key;
    const char* const values = series->contains("value") ? "value" : "values";
    const auto points = [&](const json::object& of) {
      return values == std::string("value") ? OnePoint(of.at(values)) : of.at(values).as_array();
    };
    if (!found->second->contains(values)) return key + " has no " + values;
    const std::string why = PointsDiffer(points(*found->second), points(*series));
    if (!why.empty()) return fmt::format("{}: {}", key, why);
  }
  return own.size() == wanted.size() ? "" : "more series than there should be";
}

// How many samples the steps looked at, as text.
std::string SamplesOf(const json::value& data) {
  const json::object& samples = data.at("stats").at("samples").as_object();
  return json::serialize(samples.at("totalQueryableSamples")) + " " +
         json::serialize(samples.at("totalQueryableSamplesPerStep"));
}

struct Place {
  const char* name;
  std::optional<Kept> kept;  // nullopt: in memory
  int queries;
};

class DifferentialTest : public testing::TestWithParam<Place> {
 protected:
  void SetUp() override {
    MemoryQueryable loaded;
    ASSERT_TRUE(LoadInto(loaded, OracleSeries()).ok());
    const store::Matcher all{store::Matcher::Op::kRegex, "__name__", ".+"};
    auto blocks = loaded.Select("default", {&all, 1}, {.end_ms = 1'000'000'000});
    ASSERT_TRUE(blocks.ok()) << blocks.status();
    for (size_t i = 0; i < blocks->size(); ++i) {
      store::SeriesBlock& block = (*blocks)[i];
      for (int64_t& ts_ms : block.ts_ms) ts_ms += kBaseMs + kSamplesAfterMs;
      if (block.labels->Get("__name__") != "size_bytes") continue;
      // No two series have the same value, so that topk has no choice.
      for (double& value : block.values) {
        if (!std::isnan(value)) value += static_cast<double>(i) / 1024;
      }
    }
    auto prometheus = PrometheusServer::Start(
        LEADLINE_PROMETHEUS, {.flags = {"--enable-feature=promql-per-step-stats"}});
    ASSERT_TRUE(prometheus.ok()) << prometheus.status();
    prometheus_ = *std::move(prometheus);
    const absl::Status written = prometheus_->Write(*blocks);
    ASSERT_TRUE(written.ok()) << written;
    const store::Queryable* queryable = &queryable_;
    if (GetParam().kept.has_value()) {
      auto stored = StoredSeries::Make(*GetParam().kept, *blocks);
      ASSERT_TRUE(stored.ok()) << stored.status();
      stored_ = *std::move(stored);
      queryable = &stored_->queryable();
    } else {
      for (store::SeriesBlock& block : *blocks) queryable_.Add(std::move(block));
    }
    api::ApiOptions options;
    options.address = "127.0.0.1:0";
    auto server = api::ApiServer::Start(*queryable, options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    ours_ = std::make_unique<HttpClient>(server_->port());
    theirs_ = std::make_unique<HttpClient>(prometheus_->port());
  }

  static HttpAnswer Ask(HttpClient& client, const std::string& path, const std::string& form) {
    const auto answer =
        client.Send("POST", path, {"Content-Type: application/x-www-form-urlencoded"}, form);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.value_or(HttpAnswer{.body = "{}"});
  }

  // The query as Prometheus 2.42 has it.
  static std::string InTheirWords(std::string query) {
    constexpr std::string_view kOurs = "double_exponential_smoothing(";
    for (size_t at; (at = query.find(kOurs)) != std::string::npos;) {
      query.replace(at, kOurs.size(), "holt_winters(");
    }
    return query;
  }

  // Whether there was anything to compare.
  bool Compare(const std::string& query, const std::string& path, std::string times) {
    times += "&stats=all";
    const HttpAnswer ours = Ask(*ours_, path, "query=" + ours_->Encode(query) + times);
    const HttpAnswer theirs =
        Ask(*theirs_, path, "query=" + theirs_->Encode(InTheirWords(query)) + times);
    const json::value own = json::parse(ours.body);
    const json::value wanted = json::parse(theirs.body);
    const std::string what = fmt::format("\n{}?{}\n{}\nours:   {}\ntheirs: {}", path, times, query,
                                         ours.body.substr(0, 700), theirs.body.substr(0, 700));
    EXPECT_EQ(ours.status, theirs.status) << what;
    if (ours.status != theirs.status) return false;
    if (ours.status != 200) {
      EXPECT_EQ(own.at("errorType"), wanted.at("errorType")) << what;
      return false;
    }
    EXPECT_EQ(Differ(own.at("data"), wanted.at("data")), "") << what;
    EXPECT_EQ(SamplesOf(own.at("data")), SamplesOf(wanted.at("data"))) << what;
    return !wanted.at("data").at("result").as_array().empty();
  }

  MemoryQueryable queryable_;
  std::unique_ptr<StoredSeries> stored_;
  std::unique_ptr<PrometheusServer> prometheus_;
  std::unique_ptr<api::ApiServer> server_;
  std::unique_ptr<HttpClient> ours_;
  std::unique_ptr<HttpClient> theirs_;
};

int FromEnvironment(const char* name, int otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

TEST_P(DifferentialTest, RandomQueriesAreAnsweredAlike) {
  const int seed = FromEnvironment("LEADLINE_SEED", GetParam().queries);
  const int queries = FromEnvironment("LEADLINE_QUERIES", GetParam().queries);
  RandomQuery random(static_cast<uint32_t>(seed));
  int compared = 0;
  for (int i = 0; i < queries; ++i) {
    if (i % 3 == 0) {
      const double start_s = Seconds(kBaseMs + 2'500 + i % 7 * 300'000);
      const std::string query = random.Next(false);
      compared += Compare(
          query, "/api/v1/query_range",
          fmt::format("&start={:.1f}&end={:.1f}&step={}", start_s, start_s + 900, 60 + i % 5 * 45));
    } else {
      const std::string query = random.Next(true);
      compared += Compare(query, "/api/v1/query",
                          fmt::format("&time={:.1f}", Seconds(kBaseMs + 2'500 + i % 13 * 200'000)));
    }
  }
  EXPECT_GT(compared, queries / 3);  // the comparison is about something
}

// The numbers of queries differ, so that these do.
INSTANTIATE_TEST_SUITE_P(Samples, DifferentialTest,
                         testing::Values(Place{"InMemory", std::nullopt, 2000},
                                         Place{"InHead", Kept::kInHead, 601},
                                         Place{"InWindows", Kept::kInWindows, 602},
                                         Place{"InBoth", Kept::kInBoth, 603},
                                         Place{"InPieces", Kept::kInPieces, 604}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace leadline::collector::promqltest
