#include "kube/pods/pod_watcher.h"

#include <atomic>
#include <random>
#include <utility>

#include "absl/time/time.h"

#include "common/bounded_queue.h"
#include "common/catch_status.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/status_macros.h"
#include "common/string_map.h"
#include "kube/metadata_source.h"
#include "kube/owner_resolver.h"
#include "kube/reflector.h"

namespace leadline::kube::pods {
namespace {

uint64_t RandomSeed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

class ApiPodWatcher final : public PodWatcher {
 public:
  explicit ApiPodWatcher(Options options)
      : options_(std::move(options)), queue_(options_.queue_capacity) {}

  ~ApiPodWatcher() override {
    queue_.Close();  // whoever waits for room returns
    reflector_.reset();
    owners_.reset();
  }

  absl::Status Open(prometheus::Registry& registry) {
    LL_ASSIGN_OR_RETURN(std::unique_ptr<MetadataSource> source,
                        ApiMetadataSource::Open(options_.client, SystemClock()));
    LL_ASSIGN_OR_RETURN(
        owners_, CatchStatus("look up owners of pods", [&] {
          return std::make_unique<OwnerResolver>(
              OwnerResolverOptions{.max_queued = options_.max_owner_requests, .seed = RandomSeed()},
              std::move(source), SystemClock(), std::make_unique<RealPauser>(),
              OwnerMetrics(registry, options_.metrics_prefix),
              [this](const std::string& uid, OwnerChain chain) {
                OnOwners(uid, std::move(chain));
              });
        }));
    ReflectorOptions reflector = options_.reflector;
    if (reflector.seed == 0) reflector.seed = RandomSeed();
    LL_ASSIGN_OR_RETURN(
        reflector_, Reflector::Start(options_.client,
                                     options_.addresses_only ? PodAddresses(options_.node)
                                                             : PodsOfNode(options_.node),
                                     reflector, SystemClock(), std::make_unique<RealPauser>(),
                                     ReflectorMetrics(registry, options_.metrics_prefix, "pods"),
                                     [this](Event event) { OnPod(std::move(event)); }));
    return absl::OkStatus();
  }

  std::vector<PodEvent> Take(size_t max) override {
    std::vector<PodEvent> events;
    while (events.size() < max) {
      std::optional<PodEvent> event = queue_.Pop(absl::ZeroDuration());
      if (!event) break;
      events.push_back(*std::move(event));
    }
    return events;
  }

  bool synced() const override { return synced_; }

 private:
  void OnPod(Event event) {
    if (event.type == EventType::kSynced) {
      synced_ = true;
      return Queue(PodsSynced{});
    }
    auto pod = std::static_pointer_cast<const Pod>(std::move(event.object));
    if (event.type == EventType::kDeleted) {
      Forget(pod->meta.uid);
      return Queue(PodDeleted{std::move(pod)});
    }
    Queue(PodApplied{pod});
    ResolveOwners(*pod);
  }

  // A pod whose chain could not be followed to its end is asked for again at its next change.
  void ResolveOwners(const Pod& pod) ABSL_LOCKS_EXCLUDED(mutex_) {
    const OwnerReference* direct = pod.meta.Controller();
    if (direct == nullptr) return Forget(pod.meta.uid);
    {
      MutexLock lock(mutex_);
      Lookup& lookup = lookups_[pod.meta.uid];
      if (lookup.settled && lookup.owner_uid == direct->uid) return;
      lookup = {direct->uid, true};
    }
    if (!owners_->Resolve(pod.meta.uid, pod.meta.namespace_name, *direct)) Unsettle(pod.meta.uid);
  }

  void OnOwners(const std::string& pod_uid, OwnerChain chain) {
    const bool to_the_end = chain.end == ChainEnd::kTop || chain.end == ChainEnd::kTooLong ||
                            chain.end == ChainEnd::kUnknownKind;
    if (!to_the_end) Unsettle(pod_uid);
    Queue(OwnersResolved{pod_uid, std::move(chain)});
  }

  void Unsettle(const std::string& pod_uid) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    if (const auto it = lookups_.find(pod_uid); it != lookups_.end()) it->second.settled = false;
  }

  void Forget(const std::string& pod_uid) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    lookups_.erase(pod_uid);
  }

  void Queue(PodEvent event) {
    if (queue_.Push(std::move(event)) && options_.on_event) options_.on_event();
  }

  struct Lookup {
    std::string owner_uid;
    bool settled = false;  // asked for, or known
  };

  const Options options_;
  BoundedQueue<PodEvent> queue_;
  std::atomic<bool> synced_ = false;
  Mutex mutex_;
  StringMap<Lookup> lookups_ ABSL_GUARDED_BY(mutex_);  // of the pods in the API, by metadata.uid

  // The threads, which use the members above.
  std::unique_ptr<OwnerResolver> owners_;
  std::unique_ptr<Reflector> reflector_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<PodWatcher>> PodWatcher::Start(Options options,
                                                              prometheus::Registry& registry) {
  auto watcher = std::make_unique<ApiPodWatcher>(std::move(options));
  LL_RETURN_IF_ERROR(watcher->Open(registry));
  return watcher;
}

}  // namespace leadline::kube::pods
