// /api/v1/query, /api/v1/query_range, /api/v2/explain, /api/v2/queries/active, /api/v1/format_query
// and /api/v1/parse_query.
//
// Thread-safe.
#pragma once

#include <functional>
#include <string>

#include "collector/promql/engine.h"
#include "common/clock.h"
#include "common/http/router.h"

namespace prometheus {
class Counter;
class Registry;
template <typename T>
class Family;
}  // namespace prometheus

namespace leadline::collector::api {

// More points of a series than this are refused, as by Prometheus.
inline constexpr int64_t kMaxPoints = 11'000;

class QueryApi {
 public:
  // The engine, the clock and the registry must outlive it.
  QueryApi(const promql::Engine& engine, const Clock& clock, std::string tenant,
           prometheus::Registry& registry);

  // As long as the router is used, this must live.
  void AddRoutes(http::Router& router) const;

 private:
  http::Response Instant(const http::Request& request) const;
  http::Response Range(const http::Request& request) const;
  http::Response Explain(const http::Request& request) const;
  http::Response Active() const;
  static http::Response Format(const http::Request& request);
  static http::Response Parse(const http::Request& request);
  http::Response Answer(
      const http::Params& params,
      const std::function<absl::StatusOr<promql::QueryResult>(promql::QueryStats&)>& run) const;

  const promql::Engine& engine_;
  const Clock& clock_;
  const std::string tenant_;
  prometheus::Family<prometheus::Counter>& queries_;
};

}  // namespace leadline::collector::api
