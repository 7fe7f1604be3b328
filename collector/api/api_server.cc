#include "collector/api/api_server.h"

#include <utility>

#include <prometheus/registry.h>

#include "collector/api/metadata_api.h"
#include "collector/api/query_api.h"
#include "collector/api/response.h"
#include "common/http/server.h"
#include "common/status_macros.h"

namespace leadline::collector::api {
namespace {

http::Response Flush(const std::function<absl::Status()>& flush) {
  if (flush == nullptr) return Error(absl::NotFoundError("there is nothing to flush"));
  const absl::Status status = flush();
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
        metadata_(queryable, options_.tenant) {}

  absl::Status Start() {
    http::ServerOptions server;
    server.address = options_.address;
    server.heavy_threads = options_.query_threads;
    server.registry = registry_;
    server.metrics_prefix = "leadline_collector";
    LL_ASSIGN_OR_RETURN(server_, http::Server::Start(std::move(server), Routes()));
    return absl::OkStatus();
  }

  http::Server& server() { return *server_; }

 private:
  http::Router Routes() {
    using http::Load;
    using http::Request;
    http::Router router;
    for (const char* method : {"GET", "POST"}) {
      router.Add(
          method, "/api/v1/query", [this](const Request& r) { return queries_.Instant(r); },
          Load::kHeavy);
      router.Add(
          method, "/api/v1/query_range", [this](const Request& r) { return queries_.Range(r); },
          Load::kHeavy);
      router.Add(
          method, "/api/v1/labels", [this](const Request& r) { return metadata_.Labels(r); },
          Load::kHeavy);
      router.Add(
          method, "/api/v1/series", [this](const Request& r) { return metadata_.Series(r); },
          Load::kHeavy);
    }
    router.Add(
        "GET", "/api/v1/label/{name}/values",
        [this](const Request& r) { return metadata_.LabelValues(r); }, Load::kHeavy);
    router.Add("GET", "/api/v1/metadata", MetricMetadata);
    router.Add("GET", "/api/v1/status/buildinfo", BuildInfo);
    router.Add(
        "POST", "/api/v2/admin/flush", [this](const Request&) { return Flush(options_.flush); },
        Load::kHeavy);
    http::AddProgramRoutes(router, options_.checks, registry_);
    router.Add("GET", "/-/healthy", [](const Request&) {
      return http::Response{.body = "Leadline collector is healthy.\n"};
    });
    router.Add("GET", "/-/ready", http::HealthHandler("ready", options_.checks));
    return router;
  }

  const ApiOptions options_;
  const std::shared_ptr<prometheus::Registry> registry_;
  const promql::Engine engine_;
  const QueryApi queries_;
  const MetadataApi metadata_;
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
