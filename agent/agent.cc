#include "agent/agent.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "agent/cgroup_inventory.h"
#include "agent/cgroups.h"
#include "agent/clock_watch.h"
#include "agent/export/batcher.h"
#include "agent/export/identity.h"
#include "agent/export/sender.h"
#include "agent/features/features.h"
#include "agent/memory_metrics.h"
#include "agent/meta/metadata_resolver.h"
#include "agent/meta/pod_watcher.h"
#include "agent/node_sampler.h"
#include "agent/probes/probe_metrics.h"
#include "agent/probes/probes.h"
#include "agent/runtimes/runtime_names.h"
#include "agent/source/processes.h"
#include "common/clock.h"
#include "common/flags/server_flags.h"
#include "common/http/health.h"
#include "common/http/server.h"
#include "common/status_macros.h"
#include "common/tls/server_security.h"
#include "common/version.h"
#include "prometheus/registry.h"

namespace leadline::agent {
namespace {

constexpr size_t kMetaEventsAtOnce = 4096;
constexpr absl::Duration kDrainTimeout = absl::Seconds(5);

probes::ProbeOptions ProbeOptionsOf(const Options& options, const CgroupHierarchy& hierarchy) {
  probes::ProbeOptions probe_options;
  probe_options.tracked_processes = options.max_processes;
  probe_options.hierarchy = hierarchy;
  if (options.time_every_syscall) probe_options.syscall_timing = probes::kTimeEverySyscall;
  return probe_options;
}

void AddFeatures(const probes::ProbeReport& report, const std::vector<std::string>& unreadable,
                 FeatureReport& features) {
  const Surroundings here = LookAround();
  for (Feature& feature : ProbeFeatures(report, here)) features.Add(std::move(feature));
  features.Add(ProcessFeature());
  features.Add(PodNetworkFeature(here));
  features.Add(RuntimeNameFeature(unreadable));
}

class AgentImpl final : public Agent {
 public:
  absl::Status Init(const Options& options);
  absl::Status Run(int stop_fd) override;

 private:
  // Without the state directory the agent is a new one for this once.
  absl::Status OpenIdentity(const Options& options);
  absl::Status StartKubernetes(const Options& options);
  absl::Status StartServer(const Options& options);
  // Waits for events of the kernel until `until_ms` or until stop_fd is readable; true for the
  // latter.
  bool WaitUntil(int64_t until_ms, int stop_fd);
  void TakeLifecycleEvents();
  // Asks the runtimes for the names of new containers.
  void NameContainers();
  void TakeMetaEvents();
  void Interval(int64_t ts_ms);

  const Clock& clock_ = SystemClock();
  std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();
  int64_t interval_ms_ = 0;
  FeatureReport features_;
  std::unique_ptr<Identity> identity_;
  std::string spool_dir_;  // "" for no spool
  std::unique_ptr<probes::Probes> probes_;
  std::optional<probes::ProbeMetrics> probe_metrics_;
  std::optional<MemoryMetrics> memory_metrics_;
  std::unique_ptr<meta::MetadataResolver> resolver_;
  std::optional<runtimes::RuntimeNames> runtimes_;
  ClockWatch clock_watch_{clock_, *registry_};
  std::unique_ptr<CgroupInventory> inventory_;
  std::unique_ptr<Batcher> batcher_;
  std::unique_ptr<NodeSampler> sampler_;
  std::unique_ptr<meta::PodWatcher> pods_;  // none without Kubernetes
  std::unique_ptr<Sender> sender_;
  std::unique_ptr<http::Server> server_;
};

absl::Status AgentImpl::Init(const Options& options) {
  interval_ms_ = absl::ToInt64Milliseconds(options.interval);
  LL_RETURN_IF_ERROR(OpenIdentity(options));
  source::FileReader reader;
  const auto found_cgroups = Cgroups::Find(options.cgroups);
  // What was asked for and is not there is an error; what is merely not there is left out.
  if (options.cgroups != CgroupChoice::kAuto) LL_RETURN_IF_ERROR(found_cgroups.status());
  features_.Add(CgroupFeature(found_cgroups.status()));
  const Cgroups cgroups = found_cgroups.ok() ? *found_cgroups : Cgroups{};
  if (found_cgroups.ok()) spdlog::info("{}", cgroups.ToText());
  LL_ASSIGN_OR_RETURN(const int64_t boot_unix_ms, source::BootTimeUnixMs(reader));
  LL_ASSIGN_OR_RETURN(const std::string boot_id, source::BootId(reader));

  batcher_ = std::make_unique<Batcher>(BatcherOptions{}, *registry_);
  resolver_ = std::make_unique<meta::MetadataResolver>(
      meta::MetadataResolver::Options{
          .cluster = options.cluster, .node = options.node, .boot_id = boot_id},
      *registry_);
  runtimes_.emplace(runtimes::RuntimeNames::Options{.extra = options.runtime_state}, *registry_);
  inventory_ = std::make_unique<CgroupInventory>(
      cgroups.counted.hierarchy.number, cgroups.counted.mount_point, boot_unix_ms, *resolver_);

  // The probes first, then the walk: what comes to life in between is in both.
  const int64_t counted_from_ms = clock_.NowUnixMs();
  LL_ASSIGN_OR_RETURN(probes_,
                      probes::Probes::Load(ProbeOptionsOf(options, cgroups.counted.hierarchy)));
  probe_metrics_.emplace(*probes_, *registry_);
  memory_metrics_.emplace(probes_->report(), *registry_);
  AddFeatures(probes_->report(), runtimes_->Unreadable(), features_);
  features_.Log();
  features_.Export(*registry_);
  LL_RETURN_IF_ERROR(inventory_->Walk(clock_.NowUnixMs()));
  NameContainers();

  sampler_ = std::make_unique<NodeSampler>(
      NodeSamplerOptions{.cluster = options.cluster,
                         .node = options.node,
                         .counted_from_ms = counted_from_ms,
                         .processes = {.boot_id = boot_id,
                                       .boot_unix_ms = boot_unix_ms,
                                       .counted_from_ms = counted_from_ms,
                                       .max_processes = options.max_processes,
                                       .hierarchy = cgroups.counted.hierarchy.number,
                                       .name_space = cgroups.name_space,
                                       .other_v1 = cgroups.other_v1}},
      cgroups.mounts, *probes_, *inventory_, *resolver_, *batcher_, *registry_);

  LL_RETURN_IF_ERROR(StartKubernetes(options));
  sender_ = Sender::Start({.collector = options.collector,
                           .security = options.collector_files,
                           .agent_id = identity_->agent_id(),
                           .epoch = identity_->epoch(),
                           .place = identity_->place(),
                           .agent_version = std::string(kVersion),
                           .cluster = options.cluster,
                           .node = options.node,
                           .spool_dir = spool_dir_,
                           .max_spool_bytes = options.max_spool_bytes},
                          *registry_);
  return StartServer(options);
}

absl::Status AgentImpl::OpenIdentity(const Options& options) {
  auto identity = Identity::Open(options.state_dir);
  if (absl::IsFailedPrecondition(identity.status())) return identity.status();
  features_.Add(StateFeature(identity.status()));
  if (identity.ok() && options.max_spool_bytes > 0) spool_dir_ = options.state_dir + "/spool";
  if (!identity.ok()) identity = Identity::ForOnce();
  LL_RETURN_IF_ERROR(identity.status());
  identity_ = *std::move(identity);
  return absl::OkStatus();
}

absl::Status AgentImpl::StartKubernetes(const Options& options) {
  LL_ASSIGN_OR_RETURN(auto chosen,
                      kube::config::Choose(options.kubernetes, kube::config::ProcessEnvironment()));
  if (!chosen) {
    spdlog::info(
        "no Kubernetes API server (-k, --kubeconfig, --context, KUBECONFIG, or in a pod): "
        "containers are named by their runtimes, or known by their cgroups only");
    return absl::OkStatus();
  }
  spdlog::info("Kubernetes API server {} by {}", chosen->client.url, chosen->source);
  chosen->client.user_agent = fmt::format("leadline-agent/{}", kVersion);
  LL_ASSIGN_OR_RETURN(
      pods_, meta::PodWatcher::Start({.client = std::move(chosen->client), .node = options.node},
                                     *registry_));
  return absl::OkStatus();
}

absl::Status AgentImpl::StartServer(const Options& options) {
  if (options.http.empty()) return absl::OkStatus();
  http::Router router;
  http::AddProgramRoutes(
      router,
      {{"collector",
        [this] {
          return sender_->connected() ? absl::OkStatus()
                                      : absl::UnavailableError("no session with the collector");
        }},
       {"kubernetes",
        [this] {
          return pods_ == nullptr || pods_->synced()
                     ? absl::OkStatus()
                     : absl::UnavailableError("the pods have not been listed yet");
        }}},
      registry_);
  LL_ASSIGN_OR_RETURN(tls::ServerSecurity security,
                      tls::ServerSecurity::Open(options.certificate, options.http_access, "http",
                                                clock_, *registry_, "leadline_agent"));
  if (options.insecure && !flags::IsLoopback(options.http) && !security.needs_anything()) {
    spdlog::warn("--insecure: whoever reaches http {} can read it", options.http);
  }
  LL_ASSIGN_OR_RETURN(server_, http::Server::Start({.address = options.http,
                                                    .security = std::move(security),
                                                    .registry = registry_,
                                                    .metrics_prefix = "leadline_agent"},
                                                   std::move(router)));
  spdlog::info("listening http={}", server_->address());
  return absl::OkStatus();
}

absl::Status AgentImpl::Run(int stop_fd) {
  // Readings are at whole multiples of the interval, so that all agents' samples line up.
  int64_t next_ms = (clock_.NowUnixMs() / interval_ms_ + 1) * interval_ms_;
  while (!WaitUntil(next_ms, stop_fd)) {
    Interval(next_ms);
    next_ms = (clock_.NowUnixMs() / interval_ms_ + 1) * interval_ms_;
  }
  spdlog::info("stopping");
  Interval(clock_.NowUnixMs());
  return sender_->Stop(kDrainTimeout);
}

bool AgentImpl::WaitUntil(int64_t until_ms, int stop_fd) {
  while (true) {
    const int64_t left_ms = until_ms - clock_.NowUnixMs();
    if (left_ms <= 0) return false;
    pollfd fds[] = {{.fd = stop_fd, .events = POLLIN},
                    {.fd = probes_->lifecycle_fd(), .events = POLLIN}};
    // The clock may step, so no wait is longer than an interval.
    const int ready = poll(fds, 2, static_cast<int>(std::min(left_ms, interval_ms_)));
    if (ready < 0 && errno != EINTR) {
      spdlog::error("poll: {}", std::strerror(errno));
      return true;
    }
    if (ready > 0 && fds[0].revents != 0) return true;
    if (ready > 0 && fds[1].revents != 0) TakeLifecycleEvents();
  }
}

void AgentImpl::TakeLifecycleEvents() {
  const int64_t now_ms = clock_.NowUnixMs();
  const int64_t now_mono_ns = clock_.NowMonoNs();
  const auto taken =
      probes_->PollLifecycle(absl::ZeroDuration(), [&](const probes::LifecycleEvent& event) {
        const int64_t ts_ms = now_ms - (now_mono_ns - event.ts_mono_ns) / 1'000'000;
        switch (event.kind) {
          case probes::LifecycleEvent::Kind::kCgroupCreated:
            // Only a walk tells the whole path.
            if (event.truncated || event.path.empty()) {
              inventory_->RequestWalk();
              break;
            }
            inventory_->Appeared(event.cgroup_id, std::string(event.path), ts_ms);
            break;
          case probes::LifecycleEvent::Kind::kCgroupRemoved:
            inventory_->Ended(event.cgroup_id, ts_ms);
            break;
        }
      });
  if (!taken.ok()) spdlog::error("reading cgroup events: {}", taken.status().ToString());
  // At once: the runtime's files may not outlive a short container.
  NameContainers();
}

void AgentImpl::NameContainers() {
  for (const std::string& id : resolver_->TakeNewContainers()) {
    if (const auto names = runtimes_->Find(id)) resolver_->OnRuntimeNames(id, *names);
  }
}

void AgentImpl::TakeMetaEvents() {
  if (pods_ == nullptr) return;
  for (const meta::MetaEvent& event : pods_->Take(kMetaEventsAtOnce)) {
    resolver_->OnEvent(event, clock_.NowUnixMs());
  }
}

void AgentImpl::Interval(int64_t ts_ms) {
  clock_watch_.Check();
  TakeLifecycleEvents();
  const absl::Status walked = inventory_->WalkIfDue(clock_.NowUnixMs());
  if (!walked.ok()) spdlog::error("walking the cgroup tree: {}", walked.ToString());
  NameContainers();
  TakeMetaEvents();
  batcher_->Acknowledged(sender_->acknowledged_sequence());
  sampler_->Sample(ts_ms);
  const absl::Status updated = probe_metrics_->Update();
  if (!updated.ok()) spdlog::error("reading the probes' losses: {}", updated.ToString());
  const absl::Status measured = memory_metrics_->Update();
  if (!measured.ok()) spdlog::error("measuring the agent's memory: {}", measured.ToString());
  sender_->Submit(batcher_->Seal());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Agent>> Agent::Start(const Options& options) {
  auto agent = std::make_unique<AgentImpl>();
  LL_RETURN_IF_ERROR(agent->Init(options));
  return agent;
}

absl::Status DryRun(const Options& options) {
  CgroupHierarchy hierarchy;
  const auto cgroups = Cgroups::Find(options.cgroups);
  if (options.cgroups != CgroupChoice::kAuto) LL_RETURN_IF_ERROR(cgroups.status());
  if (cgroups.ok()) {
    hierarchy = cgroups->counted.hierarchy;
    fmt::print("{}\n\n", cgroups->ToText());
  }
  LL_ASSIGN_OR_RETURN(const auto probes,
                      probes::Probes::Load({.hierarchy = hierarchy, .dry_run = true}));
  prometheus::Registry registry;
  const runtimes::RuntimeNames runtimes({.extra = options.runtime_state}, registry);
  FeatureReport features;
  features.Add(StateFeature(CheckStateDirectory(options.state_dir)));
  features.Add(CgroupFeature(cgroups.status()));
  AddFeatures(probes->report(), runtimes.Unreadable(), features);
  fmt::print("{}\n{}", features.ToText(), probes->report().ToText());
  return absl::OkStatus();
}

}  // namespace leadline::agent
