#include "common/http/health.h"

#include <fmt/format.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "common/status_text.h"

namespace leadline::http {

Handler HealthHandler(std::string endpoint, std::vector<ReadinessCheck> checks) {
  return [endpoint = std::move(endpoint), checks = std::move(checks)](const Request& request) {
    std::string lines;
    bool ok = true;
    for (const ReadinessCheck& check : checks) {
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

void AddProgramRoutes(Router& router, std::vector<ReadinessCheck> checks,
                      std::shared_ptr<prometheus::Registry> registry) {
  router.Add("GET", "/livez", HealthHandler("livez", {}));
  router.Add("GET", "/readyz", HealthHandler("readyz", checks));
  router.Add("GET", "/healthz", HealthHandler("healthz", std::move(checks)));
  router.Add("GET", "/metrics", MetricsHandler(std::move(registry)));
}

}  // namespace leadline::http
