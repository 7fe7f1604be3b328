#include "common/http/server_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace leadline::http {
namespace {

const prometheus::Histogram::BucketBoundaries& DurationBounds() {
  static const prometheus::Histogram::BucketBoundaries bounds = {0.001, 0.005, 0.02, 0.1,
                                                                 0.5,   2,     10,   60};
  return bounds;
}

}  // namespace

ServerMetrics::ServerMetrics(std::shared_ptr<prometheus::Registry> registry,
                             const std::string& prefix)
    : registry_(registry != nullptr ? std::move(registry)
                                    : std::make_shared<prometheus::Registry>()),
      requests_(prometheus::BuildCounter()
                    .Name(prefix + "_http_requests_total")
                    .Help("HTTP requests answered, by route and status.")
                    .Register(*registry_)),
      durations_(prometheus::BuildHistogram()
                     .Name(prefix + "_http_request_duration_seconds")
                     .Help("Time from a request's last byte to the response's, by route.")
                     .Register(*registry_)),
      refused_(
          prometheus::BuildCounter()
              .Name(prefix + "_http_connections_refused_total")
              .Help(
                  "Connections refused because there were too many, all with a request under way.")
              .Register(*registry_)
              .Add({})),
      evicted_(prometheus::BuildCounter()
                   .Name(prefix + "_http_connections_evicted_total")
                   .Help("Connections without a request under way that were closed for a new one, "
                         "because there were too many.")
                   .Register(*registry_)
                   .Add({})),
      handshake_failures_(prometheus::BuildCounter()
                              .Name(prefix + "_http_handshake_failures_total")
                              .Help("Connections that did not become TLS, by reason.")
                              .Register(*registry_)),
      connections_(prometheus::BuildGauge()
                       .Name(prefix + "_http_connections")
                       .Help("Open connections.")
                       .Register(*registry_)
                       .Add({})) {}

void ServerMetrics::RequestDone(std::string_view route, int status, absl::Duration took) {
  requests_.Add({{"route", std::string(route)}, {"code", std::to_string(status)}}).Increment();
  durations_.Add({{"route", std::string(route)}}, DurationBounds())
      .Observe(absl::ToDoubleSeconds(took));
}

void ServerMetrics::ConnectionRefused() { refused_.Increment(); }

void ServerMetrics::ConnectionEvicted() { evicted_.Increment(); }

void ServerMetrics::HandshakeFailed(std::string_view reason) {
  handshake_failures_.Add({{"reason", std::string(reason)}}).Increment();
}

void ServerMetrics::SetConnections(size_t count) { connections_.Set(static_cast<double>(count)); }

}  // namespace leadline::http
