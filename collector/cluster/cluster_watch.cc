#include "collector/cluster/cluster_watch.h"

#include <functional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "common/catch_status.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/status_macros.h"
#include "kube/pods/pod_watcher.h"
#include "kube/reflector.h"

namespace leadline::collector::cluster {
namespace {

constexpr char kMetricsPrefix[] = "leadline_collector";
constexpr size_t kPodEventsAtOnce = 1024;
constexpr absl::Duration kExpireEvery = absl::Seconds(10);
// Each pod of a large cluster, at the first list.
constexpr size_t kMaxOwnerRequests = size_t{1} << 20;

class ApiClusterWatch final : public ClusterWatch {
 public:
  explicit ApiClusterWatch(std::shared_ptr<Directory> directory)
      : directory_(std::move(directory)) {}

  ~ApiClusterWatch() override {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      changed_.NotifyAll();
    }
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Open(const kube::ClientConfig& client, prometheus::Registry& registry) {
    LL_ASSIGN_OR_RETURN(
        services_, Reflect(client, kube::Services(), registry, [this](const kube::Event& event) {
          directory_->Update(
              [&](ClusterMap& map, int64_t now_ms) { map.OnService(event, now_ms); });
        }));
    LL_ASSIGN_OR_RETURN(
        slices_,
        Reflect(client, kube::EndpointSlices(), registry, [this](const kube::Event& event) {
          directory_->Update([&](ClusterMap& map, int64_t now_ms) { map.OnSlice(event, now_ms); });
        }));
    kube::pods::PodWatcher::Options options{.client = client,
                                            .addresses_only = true,
                                            .metrics_prefix = kMetricsPrefix,
                                            .max_owner_requests = kMaxOwnerRequests};
    options.on_event = [this] {
      MutexLock lock(mutex_);
      pod_events_ = true;
      changed_.NotifyAll();
    };
    LL_ASSIGN_OR_RETURN(pods_, kube::pods::PodWatcher::Start(std::move(options), registry));
    LL_ASSIGN_OR_RETURN(thread_, CatchStatus("follow the cluster's pods",
                                             [this] { return std::thread([this] { Run(); }); }));
    return absl::OkStatus();
  }

 private:
  static absl::StatusOr<std::unique_ptr<kube::Reflector>> Reflect(
      const kube::ClientConfig& client, kube::Resource resource, prometheus::Registry& registry,
      std::function<void(const kube::Event&)> on_event) {
    kube::ReflectorMetrics metrics(registry, kMetricsPrefix, resource.name);
    kube::ReflectorOptions options;
    options.seed = std::random_device()();
    return kube::Reflector::Start(
        client, std::move(resource), options, SystemClock(), std::make_unique<kube::RealPauser>(),
        std::move(metrics),
        [on_event = std::move(on_event)](const kube::Event& event) { on_event(event); });
  }

  void Run() {
    absl::Time expired = absl::Now();
    while (AwaitEvents()) {
      while (TakePodEvents()) {
      }
      if (absl::Now() - expired < kExpireEvery) continue;
      directory_->Expire();
      expired = absl::Now();
    }
  }

  // False when stopping.
  bool AwaitEvents() {
    MutexLock lock(mutex_);
    if (!pod_events_ && !stopping_) changed_.WaitFor(mutex_, kExpireEvery);
    pod_events_ = false;
    return !stopping_;
  }

  bool TakePodEvents() {
    const std::vector<kube::pods::PodEvent> events = pods_->Take(kPodEventsAtOnce);
    if (events.empty()) return false;
    directory_->Update([&](ClusterMap& map, int64_t now_ms) {
      for (const kube::pods::PodEvent& event : events) map.OnPod(event, now_ms);
    });
    return true;
  }

  const std::shared_ptr<Directory> directory_;
  Mutex mutex_;
  CondVar changed_;
  bool pod_events_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  // The threads, which use the members above.
  std::unique_ptr<kube::Reflector> services_;
  std::unique_ptr<kube::Reflector> slices_;
  std::unique_ptr<kube::pods::PodWatcher> pods_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ClusterWatch>> ClusterWatch::Start(
    const kube::ClientConfig& client, std::shared_ptr<Directory> directory,
    prometheus::Registry& registry) {
  auto watch = std::make_unique<ApiClusterWatch>(std::move(directory));
  LL_RETURN_IF_ERROR(watch->Open(client, registry));
  return watch;
}

}  // namespace leadline::collector::cluster
