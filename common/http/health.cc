#include "common/http/health.h"

#include <fmt/format.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "common/status_text.h"

namespace leadline::http {

Handler HealthHandler(std::string endpoint, std::vector<HealthCheck> checks) {
  return [endpoint = std::move(endpoint), checks = std::move(checks)](const Request& request) {
    std::string lines;
    bool ok = true;
    for (const HealthCheck& check : checks) {
      const absl::Status status = check.check();
      ok = ok && status.ok();
      lines += status.ok() ? fmt::format("[+]{} ok\n", check.name)
                           : fmt::format("[-]{} failed: {}\n", check.name, StatusMessage(status));
    }
    if (!ok) {
      return Response{.status = 503, .body = fmt::format("{}{} check failed\n", lines, endpoint)};
    }
    if (!RequestParams(request).First("verbose").has_value()) return Response{.body = "ok"};
    return Response{.body = fmt::format("{}{} check passed\n", lines, endpoint)};
  };
}

Handler MetricsHandler(std::shared_ptr<prometheus::Registry> registry) {
  return [registry = std::move(registry)](const Request&) {
    return Response{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                    .body = prometheus::TextSerializer().Serialize(registry->Collect())};
  };
}

void AddProgramRoutes(Router& router, ProgramChecks checks,
                      std::shared_ptr<prometheus::Registry> registry) {
  const std::vector<Parameter> verbose = {
      {"verbose", Parameter::Kind::kFlag, {}, "A line for each check."}};
  router.Add({.method = "GET",
              .pattern = "/livez",
              .about = {"Whether the process answers and does not stand still.", verbose},
              .handler = HealthHandler("livez", std::move(checks.live)),
              .open = true});
  router.Add({.method = "GET",
              .pattern = "/readyz",
              .about = {"Whether it can do its work.", verbose},
              .handler = HealthHandler("readyz", checks.ready),
              .open = true});
  router.Add({.method = "GET",
              .pattern = "/healthz",
              .about = {"As /readyz.", verbose},
              .handler = HealthHandler("healthz", std::move(checks.ready)),
              .open = true});
  router.Add({.method = "GET",
              .pattern = "/metrics",
              .about = {"Its own metrics, in Prometheus' text format."},
              .handler = MetricsHandler(std::move(registry))});
}

}  // namespace leadline::http
