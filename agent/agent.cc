#include "agent/agent.h"

#include <atomic>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "agent/cgroups.h"
#include "agent/cpu_governor.h"
#include "agent/export/identity.h"
#include "agent/export/sender.h"
#include "agent/features/features.h"
#include "agent/pipeline.h"
#include "agent/probes/probes.h"
#include "agent/record/recorder.h"
#include "agent/run_facts.h"
#include "agent/runtimes/runtime_names.h"
#include "agent/sampling_watch.h"
#include "common/clock.h"
#include "common/flags/server_flags.h"
#include "common/http/health.h"
#include "common/http/server.h"
#include "common/status_macros.h"
#include "common/tls/server_security.h"
#include "common/version.h"
#include "kube/pods/pod_watcher.h"
#include "prometheus/registry.h"

namespace leadline::agent {
namespace {

constexpr absl::Duration kDrainTimeout = absl::Seconds(5);
// Of a kubelet and a few who scrape; each takes a descriptor.
constexpr size_t kMaxConnections = 64;

probes::ProbeOptions ProbeOptionsOf(const Options& options) {
  probes::ProbeOptions probe_options;
  probe_options.tracked_processes = options.max_processes;
  probe_options.capture_requests = options.capture_requests;
  probe_options.request_ring_bytes = static_cast<uint32_t>(options.request_ring_bytes);
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

// Where the API server is, if anywhere.
absl::StatusOr<std::optional<kube::config::Chosen>> ChooseKubernetes(const Options& options,
                                                                     FeatureReport& features) {
  auto chosen = kube::config::Choose(options.kubernetes, kube::config::ProcessEnvironment());
  if (absl::IsNotFound(chosen.status())) {
    features.Add(KubernetesFeature(chosen.status()));
    return std::nullopt;
  }
  LL_RETURN_IF_ERROR(chosen.status());
  if (*chosen) {
    features.Add(KubernetesFeature(absl::OkStatus()));
  } else {
    spdlog::info(
        "no Kubernetes API server (-k, --kubeconfig, --context, KUBECONFIG, or in a pod): "
        "containers are named by their runtimes, or known by their cgroups only");
  }
  return chosen;
}

class AgentImpl final : public Agent {
 public:
  explicit AgentImpl(const Options& options) : sampling_(SystemClock(), options.interval) {}

  absl::Status Init(const Options& options);
  absl::Status Run(int stop_fd) override;

 private:
  class ToSender final : public Delivery {
   public:
    explicit ToSender(AgentImpl& agent) : agent_(agent) {}
    void Submit(std::vector<SealedBatch> batches) override {
      agent_.sender_->Submit(std::move(batches));
      agent_.sampling_.CameRound();  // it is the last that an interval does
    }
    uint64_t acknowledged_sequence() const override {
      return agent_.sender_->acknowledged_sequence();
    }

   private:
    AgentImpl& agent_;
  };

  // Without the state directory the agent is a new one for this once.
  absl::Status OpenIdentity(const Options& options);
  absl::Status StartPipeline(const Options& options);
  void TellFeatures();
  // For the pipeline, which asks when all is started.
  std::vector<meta::MetaEvent> TakeMetaEvents(size_t most);
  absl::Status StartKubernetes(const Options& options, std::optional<kube::config::Chosen> chosen);
  absl::Status StartServer(const Options& options);
  // For /readyz, on the server's threads.
  absl::Status CollectorReady() const;
  absl::Status KubernetesReady() const;

  std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();
  FeatureReport features_;
  std::unique_ptr<Identity> identity_;
  std::string spool_dir_;               // "" for no spool
  std::unique_ptr<record::Tape> tape_;  // none without --record
  std::optional<runtimes::RuntimeNames> runtimes_;
  std::unique_ptr<Pipeline> pipeline_;
  std::optional<CpuGovernor> governor_;
  std::unique_ptr<kube::pods::PodWatcher> pods_;  // none without Kubernetes
  std::unique_ptr<Sender> sender_;
  ToSender delivery_{*this};
  SamplingWatch sampling_;
  std::atomic<bool> started_ = false;  // what is above is there, and stays as it is
  std::unique_ptr<http::Server> server_;
};

absl::Status AgentImpl::Init(const Options& options) {
  // First, since its port may be taken: nothing else has begun then.
  LL_RETURN_IF_ERROR(StartServer(options));
  LL_ASSIGN_OR_RETURN(auto kubernetes, ChooseKubernetes(options, features_));
  LL_RETURN_IF_ERROR(OpenIdentity(options));
  LL_RETURN_IF_ERROR(StartPipeline(options));
  TellFeatures();
  LL_RETURN_IF_ERROR(StartKubernetes(options, std::move(kubernetes)));
  LL_ASSIGN_OR_RETURN(sender_, Sender::Start({.collector = options.collector,
                                              .security = options.collector_files,
                                              .agent_id = identity_->agent_id(),
                                              .epoch = identity_->epoch(),
                                              .place = identity_->place(),
                                              .agent_version = std::string(kVersion),
                                              .cluster = options.cluster,
                                              .node = options.node,
                                              .spool_dir = spool_dir_,
                                              .max_spool_bytes = options.max_spool_bytes},
                                             *registry_));
  started_ = true;
  // Last: whoever waits for this line finds an agent that counts.
  if (server_ != nullptr) spdlog::info("listening http={}", server_->address());
  return absl::OkStatus();
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

void AgentImpl::TellFeatures() {
  features_.Add(CgroupFeature(pipeline_->cgroups_found()));
  AddFeatures(pipeline_->probe_report(), runtimes_->Unreadable(), features_);
  features_.Log();
  features_.Export(*registry_);
}

absl::Status AgentImpl::StartPipeline(const Options& options) {
  if (!options.record.empty()) {
    const record::Header header{.id = record::RandomId(),
                                .begun_unix_ms = SystemClock().NowUnixMs()};
    LL_ASSIGN_OR_RETURN(tape_, record::Recorder::Create(options.record, header, *registry_));
    spdlog::info("recording to {}", options.record);
  }
  runtimes_.emplace(runtimes::RuntimeNames::Options{.extra = options.runtime_state}, *registry_);
  const record::ScopedTape scope(tape_.get());
  const RunFacts facts =
      TapeRunFacts(RunFactsHere({.cluster = options.cluster,
                                 .node = options.node,
                                 .interval_ms = absl::ToInt64Milliseconds(options.interval),
                                 .max_processes = options.max_processes,
                                 .cgroups = options.cgroups}));
  LL_ASSIGN_OR_RETURN(
      pipeline_,
      Pipeline::Start(
          facts.options,
          {.load_probes =
               [with = ProbeOptionsOf(options)](const CgroupHierarchy& hierarchy) {
                 probes::ProbeOptions probe_options = with;
                 probe_options.hierarchy = hierarchy;
                 return probes::Probes::Load(probe_options);
               },
           .name_container = [this](const std::string& id) { return runtimes_->Find(id); },
           .take_meta_events = [this](size_t most) { return TakeMetaEvents(most); },
           .ask_peers = [this](const PeerQuestions& questions) { sender_->AskPeers(questions); }},
          *registry_));
  probes::Probes& loaded = pipeline_->probes();
  governor_.emplace(
      CpuGovernor::Options{
          .limit_cpus = options.max_cpus,
          .run_time_ns = [&loaded] { return loaded.RunTimeNs(); },
          .apply = [&loaded](const probes::Effort& effort) { return loaded.SetEffort(effort); }},
      *registry_);
  return absl::OkStatus();
}

std::vector<meta::MetaEvent> AgentImpl::TakeMetaEvents(size_t most) {
  std::vector<meta::MetaEvent> events;
  if (pods_ != nullptr) {
    for (kube::pods::PodEvent& event : pods_->Take(most)) {
      meta::Append(std::move(event), events);
    }
  }
  for (PeerAnswer& answer : sender_->TakePeerAnswers(most - events.size())) {
    events.emplace_back(std::move(answer));
  }
  return events;
}

absl::Status AgentImpl::StartKubernetes(const Options& options,
                                        std::optional<kube::config::Chosen> chosen) {
  if (!chosen) return absl::OkStatus();
  spdlog::info("Kubernetes API server {} by {}", chosen->client.url, chosen->source);
  chosen->client.user_agent = fmt::format("leadline-agent/{}", kVersion);
  LL_ASSIGN_OR_RETURN(pods_, kube::pods::PodWatcher::Start({.client = std::move(chosen->client),
                                                            .node = options.node,
                                                            .metrics_prefix = "leadline_agent"},
                                                           *registry_));
  return absl::OkStatus();
}

absl::Status AgentImpl::StartServer(const Options& options) {
  if (options.http.empty()) return absl::OkStatus();
  http::Router router;
  http::AddProgramRoutes(router,
                         {.live = {{"sampling", [this] { return sampling_.Check(); }}},
                          .ready = {{"collector", [this] { return CollectorReady(); }},
                                    {"kubernetes", [this] { return KubernetesReady(); }}}},
                         registry_);
  LL_ASSIGN_OR_RETURN(tls::ServerSecurity security,
                      tls::ServerSecurity::Open(options.certificate, options.http_access, "http",
                                                SystemClock(), *registry_, "leadline_agent"));
  if (options.insecure && !flags::IsLoopback(options.http) && !security.needs_anything()) {
    spdlog::warn("--insecure: whoever reaches http {} can read it", options.http);
  }
  LL_ASSIGN_OR_RETURN(server_, http::Server::Start({.address = options.http,
                                                    .max_connections = kMaxConnections,
                                                    .security = std::move(security),
                                                    .registry = registry_,
                                                    .metrics_prefix = "leadline_agent"},
                                                   std::move(router)));
  return absl::OkStatus();
}

absl::Status AgentImpl::CollectorReady() const {
  if (!started_) return absl::UnavailableError("the agent is starting");
  return sender_->connected() ? absl::OkStatus()
                              : absl::UnavailableError("no session with the collector");
}

absl::Status AgentImpl::KubernetesReady() const {
  if (!started_) return absl::UnavailableError("the agent is starting");
  return pods_ == nullptr || pods_->synced()
             ? absl::OkStatus()
             : absl::UnavailableError("the pods have not been listed yet");
}

absl::Status AgentImpl::Run(int stop_fd) {
  const record::ScopedTape scope(tape_.get());
  sampling_.Begin();
  pipeline_->Run(stop_fd, delivery_);
  sampling_.End();
  spdlog::info("stopping");
  return sender_->Stop(kDrainTimeout);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Agent>> Agent::Start(const Options& options) {
  auto agent = std::make_unique<AgentImpl>(options);
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
  LL_RETURN_IF_ERROR(ChooseKubernetes(options, features).status());
  features.Add(StateFeature(CheckStateDirectory(options.state_dir)));
  features.Add(CgroupFeature(cgroups.status()));
  AddFeatures(probes->report(), runtimes.Unreadable(), features);
  fmt::print("{}\n{}", features.ToText(), probes->report().ToText());
  return absl::OkStatus();
}

}  // namespace leadline::agent
