#include "collector/collector.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/api/api_server.h"
#include "collector/cluster/cluster_watch.h"
#include "collector/cluster/directory.h"
#include "collector/free_memory.h"
#include "collector/ingest/ingest_server.h"
#include "collector/model/metric_metadata.h"
#include "collector/remote/otlp/otlp_receiver.h"
#include "collector/remote/otlp/otlp_service.h"
#include "collector/remote/read/remote_read.h"
#include "collector/remote/send/sender.h"
#include "collector/remote/write/receiver.h"
#include "collector/rules/rule_manager.h"
#include "collector/store/engine/open.h"
#include "common/clock.h"
#include "common/fd.h"
#include "common/flags/server_flags.h"
#include "common/status_macros.h"
#include "common/status_text.h"
#include "common/stop_signal.h"
#include "common/tls/server_security.h"
#include "common/version.h"
#include "kube/config/choice.h"
#include "prometheus/registry.h"

namespace leadline::collector {
namespace {

using Rules = std::unique_ptr<rules::RuleManager>;

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

// So much longer a start may take, so that the first queries do not wait for the disk.
constexpr int64_t kWarmUpMs = 500;

// That may wait for their turn; each keeps a thread.
constexpr size_t kWaitingQueries = 16;

// nullptr without rule files.
absl::StatusOr<Rules> OpenRules(const Options& options, store::Store& store,
                                prometheus::Registry& registry) {
  if (options.rules.empty()) return nullptr;
  return rules::RuleManager::Open(store, {.files = options.rules,
                                          .interval = options.rule_interval,
                                          .query_offset = options.rule_query_offset,
                                          .registry = &registry});
}

void ReloadAtHangup(rules::RuleManager& rules) {
  const absl::Status status = rules.Reload();
  if (status.ok()) {
    spdlog::info("rule files read again");
  } else {
    spdlog::error("the rules stay as they were: {}", StatusMessage(status));
  }
}

// Until somebody asks for it, or the store has failed, which makes `failed_fd` readable.
void AwaitStop(int stop_fd, int failed_fd, rules::RuleManager* rules) {
  std::array<pollfd, 2> awaited = {pollfd{.fd = stop_fd, .events = POLLIN, .revents = 0},
                                   pollfd{.fd = failed_fd, .events = POLLIN, .revents = 0}};
  while (true) {
    while (poll(awaited.data(), awaited.size(), -1) < 0 && errno == EINTR) {
    }
    if (awaited[1].revents != 0) return;
    if (StopSignal::Take(stop_fd) != SIGHUP || rules == nullptr) return;
    ReloadAtHangup(*rules);
  }
}

// nullptr where nothing is sent on.
absl::StatusOr<std::unique_ptr<remote::send::Sender>> OpenSender(const Options& options,
                                                                 prometheus::Registry& registry) {
  if (options.remote_write_url.empty()) return nullptr;
  return remote::send::Sender::Open({.target = {.url = options.remote_write_url,
                                                .token_file = options.remote_write_token_file,
                                                .ca_file = options.remote_write_ca_file},
                                     .dir = options.data_dir,
                                     .histograms = options.remote_write_histograms,
                                     .max_kept_bytes = options.remote_write_queue_bytes,
                                     .files = &store::file::PosixFiles(),
                                     .registry = &registry});
}

// Where the API server is, if anywhere.
absl::StatusOr<std::optional<kube::config::Chosen>> ChooseKubernetes(const Options& options) {
  auto chosen = kube::config::Choose(options.kubernetes, kube::config::ProcessEnvironment());
  const bool has_no_token = absl::IsNotFound(chosen.status());
  if (!chosen.ok() && !has_no_token) return chosen.status();
  if (has_no_token || !*chosen) {
    spdlog::info(
        "no Kubernetes API server ({}): agents are not told who has the addresses of services and "
        "of other nodes' pods",
        has_no_token ? StatusMessage(chosen.status())
                     : "-k, --kubeconfig, --context, KUBECONFIG, or in a pod");
    return std::nullopt;
  }
  spdlog::info("Kubernetes API server {} by {}, of cluster {}", (*chosen)->client.url,
               (*chosen)->source, options.cluster);
  (*chosen)->client.user_agent = fmt::format("leadline-collector/{}", kVersion);
  return chosen;
}

}  // namespace

absl::Status Run(const Options& options, int stop_fd) {
  // Opening the store may take long, and changes what is on disk.
  LL_RETURN_IF_ERROR(rules::RuleManager::Check(options.rules));
  LL_ASSIGN_OR_RETURN(const auto kubernetes, ChooseKubernetes(options));
  const Fd failed(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!failed.is_open()) {
    return absl::InternalError(fmt::format("eventfd: {}", std::strerror(errno)));
  }
  std::atomic<bool> store_failed = false;
  const FreeMemory free_memory;
  auto registry = std::make_shared<prometheus::Registry>();
  LL_ASSIGN_OR_RETURN(const std::unique_ptr<remote::send::Sender> sender,
                      OpenSender(options, *registry));
  LL_ASSIGN_OR_RETURN(
      const std::unique_ptr<store::Store> store,
      store::engine::OpenStore(
          {.dir = options.data_dir,
           .retention_ms = absl::ToInt64Milliseconds(options.retention),
           .retention_processes_ms = absl::ToInt64Milliseconds(RetentionOfProcesses(options)),
           .retention_minutes_ms = absl::ToInt64Milliseconds(options.retention_minutes),
           .retention_hours_ms = absl::ToInt64Milliseconds(options.retention_hours),
           .retention_bytes = options.retention_bytes,
           .flush_log_bytes = options.max_replay_bytes,
           .recover_in_background = true,
           .recovery_failed =
               [&failed, &store_failed] {
                 store_failed = true;
                 eventfd_write(failed.get(), 1);
               },
           .warm_up_ms = kWarmUpMs,
           .max_definition_bytes = options.max_head_bytes,
           .max_ahead_ms = absl::ToInt64Milliseconds(options.max_ahead),
           .max_late_ms = absl::ToInt64Milliseconds(options.max_late),
           .tenant_limits = options.tenants.limits,
           .limits_by_tenant = options.tenants.ByTenant(),
           .registry = registry.get(),
           .files = sender == nullptr ? nullptr : &sender->files()}));
  LL_ASSIGN_OR_RETURN(tls::ServerSecurity grpc_security,
                      OpenSecurity(options, "grpc", options.grpc, options.grpc_access, *registry));
  LL_ASSIGN_OR_RETURN(tls::ServerSecurity http_security,
                      OpenSecurity(options, "http", options.http, options.http_access, *registry));
  model::MetricMetadata described;
  const remote::write::IntakeOptions intake = {
      .store = store.get(), .registry = registry.get(), .metadata = &described};
  remote::write::Receiver writes(intake);
  remote::otlp::OtlpReceiver otlp(intake);
  // Before it is asked: what is known then needs no second answer.
  std::shared_ptr<cluster::Directory> directory;
  std::unique_ptr<cluster::ClusterWatch> cluster_watch;
  if (kubernetes) {
    directory = std::make_shared<cluster::Directory>(cluster::Directory::Options{}, SystemClock(),
                                                     *registry);
    LL_ASSIGN_OR_RETURN(cluster_watch,
                        cluster::ClusterWatch::Start(kubernetes->client, directory, *registry));
  }
  const auto otlp_service = remote::otlp::MakeOtlpService(otlp, grpc_security.tokens);
  LL_ASSIGN_OR_RETURN(const std::unique_ptr<ingest::IngestServer> ingest,
                      ingest::IngestServer::Start({.address = options.grpc,
                                                   .security = std::move(grpc_security),
                                                   .store = store.get(),
                                                   .registry = registry.get(),
                                                   .clock = &SystemClock(),
                                                   .version = std::string(kVersion),
                                                   .directory = directory,
                                                   .cluster = options.cluster,
                                                   .max_ahead = options.max_ahead,
                                                   .more_services = {otlp_service.get()}}));
  const promql::Engine* engine = nullptr;  // the API's, before it listens
  const remote::read::RemoteRead reads(
      {.queryable = &store->queryable(),
       .registry = registry.get(),
       .govern =
           [&engine](std::string_view tenant, const std::atomic<bool>* cancelled, auto read) {
             return engine->AskStore(tenant, "/api/v1/read", 0, 0, {.cancelled = cancelled}, read);
           },
       .hold = [&engine](uint64_t bytes) { return engine->Hold(bytes); }});
  LL_ASSIGN_OR_RETURN(const Rules rule_manager, OpenRules(options, *store, *registry));
  api::ApiOptions api_options;
  api_options.address = options.http;
  api_options.security = std::move(http_security);
  api_options.registry = registry;
  api_options.engine.timeout = options.query_timeout;
  api_options.engine.max_samples = options.query_max_samples;
  api_options.engine.max_memory_bytes = options.query_max_memory;
  api_options.engine.max_total_memory_bytes = options.query_max_total_memory;
  api_options.engine.max_concurrency = static_cast<size_t>(options.query_max_concurrency);
  api_options.engine.max_waiting = kWaitingQueries;
  api_options.engine.active_file = options.data_dir + "/queries.active";
  // Queries that run and that wait, and beside them as many calls for series and labels as run.
  api_options.query_threads = 2 * options.query_max_concurrency + static_cast<int>(kWaitingQueries);
  api_options.cors_origins = options.cors_origins;
  api_options.flags = options.values;
  api_options.checks = {{"store", [&store] { return store->Health(); }}};
  api_options.described = &described;
  api_options.more_routes = [&](http::Router& router, const promql::Engine& of_api) {
    engine = &of_api;
    writes.AddRoutes(router);
    otlp.AddRoutes(router);
    reads.AddRoutes(router);
  };
  api_options.flush = [&store] { return store->Flush(); };
  if (rule_manager) {
    api_options.rule_groups = [&rule_manager] { return rule_manager->Status(); };
    api_options.reload = [&rule_manager] { return rule_manager->Reload(); };
  }
  LL_ASSIGN_OR_RETURN(const std::unique_ptr<api::ApiServer> api,
                      api::ApiServer::Start(store->queryable(), std::move(api_options)));
  // Last, since it must end before the store does.
  if (sender != nullptr) {
    sender->Start(store->queryable(), [&described, tenant = intake.tenant] {
      model::MetricMetadata::Entries all = model::CatalogueMetadata();
      all.merge(described.Get(tenant, ""));
      return all;
    });
  }
  spdlog::info("listening http={} grpc={}", api->address(), WithPort(options.grpc, ingest->port()));

  AwaitStop(stop_fd, failed.get(), rule_manager.get());
  spdlog::info("stopping");
  ingest->Stop(kGrace);
  if (sender != nullptr) sender->Stop();
  api->Stop(kGrace);
  // Who runs us may start us again; who looks sees why.
  return store_failed ? store->Health() : absl::OkStatus();
}

}  // namespace leadline::collector
