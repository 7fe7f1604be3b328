#include "tests/remote/answers.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <regex>
#include <thread>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "common/http/server.h"
#include "tests/promql/prometheus_server.h"

namespace leadline::collector::remotetest {

namespace {

// Bounds of buckets differ in their last digits: those beyond the twelfth are cut.
std::string Rounded(const std::string& json) {
  static const std::regex fraction("(\\.[0-9]{12})[0-9]+\"");
  return std::regex_replace(json, fraction, "$1\"");
}

std::string QueryAt(uint16_t port, const std::string& query, int64_t ts_ms) {
  return Get(port,
             fmt::format("/api/v1/query?query={}&time={}.{:03}",
                         promqltest::HttpClient(port).Encode(query), ts_ms / 1000, ts_ms % 1000));
}

}  // namespace

std::string Get(uint16_t port, const std::string& target) {
  const auto answer = promqltest::HttpClient(port).Send("GET", target, {});
  if (!answer.ok()) return "error: " + std::string(answer.status().message());
  return answer->status == 200 ? answer->body : "error: " + answer->body;
}

std::string AllSamples(uint16_t port, const std::string& selector, int64_t end_ms) {
  const std::string body = QueryAt(port, selector + "[1h]", end_ms);
  if (body.starts_with("error: ")) return body;
  std::vector<std::string> lines;
  const boost::json::value answer = boost::json::parse(body);
  for (const boost::json::value& series : answer.at("data").at("result").as_array()) {
    // Servers write the labels in whichever order.
    std::vector<std::string> labels;
    for (const auto& [name, value] : series.at("metric").as_object()) {
      labels.push_back(fmt::format("{}={}", std::string(name), boost::json::serialize(value)));
    }
    std::sort(labels.begin(), labels.end());
    std::string line = fmt::format("{}", fmt::join(labels, ","));
    for (const char* kind : {"values", "histograms"}) {
      if (const auto* points = series.as_object().if_contains(kind)) {
        line += fmt::format(" {} {}", kind, Rounded(boost::json::serialize(*points)));
      }
    }
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  return fmt::format("{}", fmt::join(lines, "\n"));
}

std::vector<std::string> HistogramsAt(uint16_t port, const std::string& query, int64_t ts_ms) {
  const std::string body = QueryAt(port, query, ts_ms);
  if (body.starts_with("error: ")) return {body};
  std::vector<std::string> histograms;
  const boost::json::value answer = boost::json::parse(body);
  for (const boost::json::value& series : answer.at("data").at("result").as_array()) {
    const auto* histogram = series.as_object().if_contains("histogram");
    histograms.push_back(histogram == nullptr ? "none"
                                              : Rounded(boost::json::serialize(*histogram)));
  }
  std::sort(histograms.begin(), histograms.end());
  return histograms;
}

uint16_t PortForRestarts() {
  std::random_device random;
  while (true) {
    const auto port = static_cast<uint16_t>(10'000 + random() % 20'000);
    if (http::Server::Start({.address = fmt::format("127.0.0.1:{}", port)}, {}).ok()) return port;
  }
}

bool Eventually(const std::function<bool()>& done, absl::Duration at_most) {
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(at_most);
  while (std::chrono::steady_clock::now() < deadline) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

}  // namespace leadline::collector::remotetest
