#include "collector/collector.h"

#include <poll.h>

#include <cerrno>
#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/api/api_server.h"
#include "collector/ingest/ingest_server.h"
#include "collector/model/metric_metadata.h"
#include "collector/remote/read/remote_read.h"
#include "collector/remote/write/receiver.h"
#include "collector/store/engine/open.h"
#include "common/clock.h"
#include "common/flags/server_flags.h"
#include "common/status_macros.h"
#include "common/tls/server_security.h"
#include "common/version.h"
#include "prometheus/registry.h"

namespace leadline::collector {
namespace {

constexpr absl::Duration kGrace = absl::Seconds(5);

// The address with the port that was bound in place of the one asked for.
std::string WithPort(std::string_view address, int port) {
  return fmt::format("{}:{}", address.substr(0, address.rfind(':')), port);
}

absl::StatusOr<tls::ServerSecurity> OpenSecurity(const Options& options,
                                                 const std::string& listener,
                                                 const std::string& address,
                                                 const tls::Access& access,
                                                 prometheus::Registry& registry) {
  if (options.insecure && !flags::IsLoopback(address) && !access.any()) {
    spdlog::warn("--insecure: whoever reaches {} {} can use it", listener, address);
  }
  return tls::ServerSecurity::Open(options.certificate, access, listener, SystemClock(), registry,
                                   "leadline_collector");
}

}  // namespace

absl::Status Run(const Options& options, int stop_fd) {
  auto registry = std::make_shared<prometheus::Registry>();
  LL_ASSIGN_OR_RETURN(
      const std::unique_ptr<store::Store> store,
      store::engine::OpenStore({.dir = options.data_dir,
                                .retention_ms = absl::ToInt64Milliseconds(options.retention),
                                .flush_log_bytes = options.max_replay_bytes,
                                .recover_in_background = true,
                                .max_definition_bytes = options.max_head_bytes,
                                .registry = registry.get()}));
  LL_ASSIGN_OR_RETURN(tls::ServerSecurity grpc_security,
                      OpenSecurity(options, "grpc", options.grpc, options.grpc_access, *registry));
  LL_ASSIGN_OR_RETURN(tls::ServerSecurity http_security,
                      OpenSecurity(options, "http", options.http, options.http_access, *registry));
  LL_ASSIGN_OR_RETURN(const std::unique_ptr<ingest::IngestServer> ingest,
                      ingest::IngestServer::Start({.address = options.grpc,
                                                   .security = std::move(grpc_security),
                                                   .store = store.get(),
                                                   .registry = registry.get(),
                                                   .clock = &SystemClock(),
                                                   .version = std::string(kVersion)}));
  model::MetricMetadata described;
  remote::write::Receiver writes({.store = store.get(),
                                  .registry = registry.get(),
                                  .metadata = &described,
                                  .max_age = options.retention});
  const remote::read::RemoteRead reads(
      {.queryable = &store->queryable(), .registry = registry.get()});
  api::ApiOptions api_options;
  api_options.address = options.http;
  api_options.security = std::move(http_security);
  api_options.registry = registry;
  api_options.cors_origins = options.cors_origins;
  api_options.flags = options.values;
  api_options.checks = {{"store", [&store] { return store->Health(); }}};
  api_options.described = &described;
  api_options.more_routes = [&writes, &reads](http::Router& router) {
    writes.AddRoutes(router);
    reads.AddRoutes(router);
  };
  api_options.flush = [&store] { return store->Flush(); };
  LL_ASSIGN_OR_RETURN(const std::unique_ptr<api::ApiServer> api,
                      api::ApiServer::Start(store->queryable(), std::move(api_options)));
  spdlog::info("listening http={} grpc={}", api->address(), WithPort(options.grpc, ingest->port()));

  pollfd stop{.fd = stop_fd, .events = POLLIN, .revents = 0};
  while (poll(&stop, 1, -1) < 0 && errno == EINTR) {
  }
  spdlog::info("stopping");
  ingest->Stop(kGrace);
  api->Stop(kGrace);
  return absl::OkStatus();
}

}  // namespace leadline::collector
