// The endpoints that every program of ours answers: /livez, /readyz and /metrics.
//
// Liveness and readiness are lists of named checks. "?verbose" prints a line a check, as
// Kubernetes' own servers do: "[+]store ok", "[-]store failed: …". Thread-safe as long as the
// checks are.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "common/http/router.h"

namespace prometheus {
class Registry;
}

namespace leadline::http {

struct HealthCheck {
  std::string name;
  std::function<absl::Status()> check;
};

// 200 "ok", or 503 naming the checks that failed; with "verbose" in the query all of them.
Handler HealthHandler(std::string endpoint, std::vector<HealthCheck> checks);

// The registry in Prometheus' text format.
Handler MetricsHandler(std::shared_ptr<prometheus::Registry> registry);

struct ProgramChecks {
  std::vector<HealthCheck> live;   // when one fails, a restart is what helps
  std::vector<HealthCheck> ready;  // it can do its work
};

// /livez and /readyz, /healthz (as /readyz), /metrics.
void AddProgramRoutes(Router& router, ProgramChecks checks,
                      std::shared_ptr<prometheus::Registry> registry);

}  // namespace leadline::http
