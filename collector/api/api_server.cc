#include "collector/api/api_server.h"

#include <utility>

#include <prometheus/registry.h>

#include "collector/api/absent_api.h"
#include "collector/api/entities_api.h"
#include "collector/api/exemplars_api.h"
#include "collector/api/metadata_api.h"
#include "collector/api/openapi.h"
#include "collector/api/query_api.h"
#include "collector/api/response.h"
#include "collector/api/route_list.h"
#include "collector/api/rules_api.h"
#include "collector/api/status_api.h"
#include "common/http/server.h"
#include "common/status_macros.h"

namespace leadline::collector::api {
namespace {

// As Prometheus takes: values of labels are asked for by GET alone, and selectors that name each
// of a thousand pods are long.
constexpr size_t kMaxHeaderBytes = 1 << 20;

http::Response Flush(const std::function<absl::Status()>& flush) {
  if (flush == nullptr) return Error(absl::NotFoundError("there is nothing to flush"));
  const absl::Status status = flush();
  // What is exhausted is the disk, no limit of a query's.
  if (absl::IsResourceExhausted(status)) return Error(absl::UnavailableError(status.message()));
  if (!status.ok()) return Error(status);
  return Success([](JsonWriter& json) {
    json.BeginObject();
    json.EndObject();
  });
}

}  // namespace

class ApiServer::Impl {
 public:
  Impl(const store::Queryable& queryable, ApiOptions options)
      : options_(std::move(options)),
        registry_(options_.registry != nullptr ? options_.registry
                                               : std::make_shared<prometheus::Registry>()),
        engine_(queryable, options_.engine),
        queries_(engine_, *options_.clock, options_.tenant, *registry_),
        metadata_(queryable, engine_, options_.tenant, options_.described, *registry_),
        exemplars_(queryable, engine_, options_.tenant, *registry_),
        entities_(queryable, options_.tenant, *options_.clock),
        status_(queryable, options_.tenant, *options_.clock, options_.flags, registry_) {}

  absl::Status Start() {
    http::ServerOptions server;
    server.address = options_.address;
    server.security = options_.security;
    server.max_header_bytes = kMaxHeaderBytes;
    server.heavy_threads = options_.query_threads;
    server.registry = registry_;
    server.cors_origins = options_.cors_origins;
    server.metrics_prefix = "leadline_collector";
    LL_ASSIGN_OR_RETURN(server_, http::Server::Start(std::move(server), Routes()));
    return absl::OkStatus();
  }

  http::Server& server() { return *server_; }

 private:
  http::Router Routes() {
    http::Router router;
    queries_.AddRoutes(router);
    metadata_.AddRoutes(router);
    exemplars_.AddRoutes(router);
    entities_.AddRoutes(router);
    AddAbsentRoutes(router);
    AddRulesRoutes(router, options_.rule_groups, options_.reload);
    status_.AddRoutes(router);
    router.Add(
        {.method = "POST",
         .pattern = "/api/v2/admin/flush",
         .about = {.summary = "Writes everything out and settles compaction.", .schema = "Nothing"},
         .handler = [this](const http::Request&) { return Flush(options_.flush); },
         .load = http::Load::kHeavy});
    if (options_.more_routes != nullptr) options_.more_routes(router, engine_);
    http::AddProgramRoutes(router, {.ready = options_.checks}, registry_);
    router.Add({.method = "GET",
                .pattern = "/-/healthy",
                .about = {"As /livez, where Prometheus has it."},
                .handler =
                    [](const http::Request&) {
                      return http::Response{.body = "Leadline collector is healthy.\n"};
                    },
                .open = true});
    router.Add({.method = "GET",
                .pattern = "/-/ready",
                .about = {"As /readyz, where Prometheus has it."},
                .handler = http::HealthHandler("ready", options_.checks),
                .open = true});
    const auto document = std::make_shared<std::string>();
    router.Add({.method = "GET",
                .pattern = "/api/v2/openapi.json",
                .about = {.summary = "This document.", .schema = "OpenApi"},
                .handler = [document](const http::Request&) {
                  return http::Response{.content_type = "application/json", .body = *document};
                }});
    const auto list = std::make_shared<std::string>();
    router.Add({.method = "GET",
                .pattern = "/",
                .about = {"This list, as text."},
                .handler = [list](const http::Request&) { return http::Response{.body = *list}; }});
    *document = OpenApiDocument(router.routes());
    *list = RouteList(router.routes());
    return router;
  }

  const ApiOptions options_;
  const std::shared_ptr<prometheus::Registry> registry_;
  const promql::Engine engine_;
  const QueryApi queries_;
  const MetadataApi metadata_;
  const ExemplarsApi exemplars_;
  const EntitiesApi entities_;
  const StatusApi status_;
  std::unique_ptr<http::Server> server_;  // last: stops before what its handlers use is gone
};

ApiServer::ApiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiServer::~ApiServer() = default;

absl::StatusOr<std::unique_ptr<ApiServer>> ApiServer::Start(const store::Queryable& queryable,
                                                            ApiOptions options) {
  auto impl = std::make_unique<Impl>(queryable, std::move(options));
  LL_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));
}

const std::string& ApiServer::address() const { return impl_->server().address(); }
uint16_t ApiServer::port() const { return impl_->server().port(); }
void ApiServer::Stop(absl::Duration grace) { impl_->server().Stop(grace); }

}  // namespace leadline::collector::api
