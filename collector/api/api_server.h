// The collector's HTTP face: Prometheus' HTTP API as Grafana uses it, health and administration.
//
// Its routes, each with what it takes and gives, are in the document at /api/v2/openapi.json.
//
// Errors: Start gives those of http::Server. Threading: every method from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "collector/api/rules_api.h"
#include "collector/api/status_api.h"
#include "collector/model/metric_metadata.h"
#include "collector/promql/engine.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "common/http/health.h"
#include "common/tls/server_security.h"

namespace leadline::collector::api {

struct ApiOptions {
  std::string address = "127.0.0.1:7070";  // port 0 takes a free one
  tls::ServerSecurity security;            // none: in clear, and everybody is answered
  std::string tenant = "default";
  promql::EngineOptions engine;
  int query_threads = 4;            // for requests that take long, queries that wait included
  std::string cors_origins = ".*";  // web pages of which origins may read, see common/http/cors.h
  std::vector<http::HealthCheck> checks;
  Flags flags;
  std::function<absl::Status()> flush;   // nullptr: answered 404
  RuleGroups rule_groups;                // nullptr: there are none
  std::function<absl::Status()> reload;  // nullptr: answered 404
  // Of others, which may use the engine as long as the server is there; nullptr: none.
  std::function<void(http::Router&, const promql::Engine&)> more_routes;
  const model::MetricMetadata* described = nullptr;  // what others say of their metrics
  std::shared_ptr<prometheus::Registry> registry;    // nullptr: one of its own
  const Clock* clock = &SystemClock();
};

class ApiServer {
 public:
  // The queryable, the clock and what the functions use must outlive the server.
  static absl::StatusOr<std::unique_ptr<ApiServer>> Start(const store::Queryable& queryable,
                                                          ApiOptions options);
  ~ApiServer();

  const std::string& address() const;  // with the port that was taken
  uint16_t port() const;

  // Waits at most `grace` for answers to be taken, and for queries under way in any case.
  void Stop(absl::Duration grace);

 private:
  class Impl;
  explicit ApiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace leadline::collector::api
