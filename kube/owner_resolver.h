// Follows owner references up to the topmost controller, on a thread of its own.
//
// Owners are looked up one by one and remembered by uid, so that a thousand pods of one ReplicaSet
// cost one lookup. A lookup that fails for a passing reason is repeated with growing pauses; what
// waits behind it waits too, since the server is most likely at fault. After max_attempts the chain
// is delivered as kFailed, and followed again after negative_ttl_ms until it is not.
//
// Resolve may be called from any thread and never waits; the callback is called on the resolver's
// thread, for every request that was taken, in order. It may wait, but must return once the
// owner is about to stop the resolver.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "common/bounded_queue.h"
#include "common/clock.h"
#include "common/string_map.h"
#include "kube/backoff.h"
#include "kube/metadata_source.h"
#include "kube/metrics.h"
#include "kube/object.h"
#include "kube/owner_cache.h"
#include "kube/owner_chain.h"

namespace leadline::kube {

struct OwnerResolverOptions {
  size_t max_queued = 65'536;
  size_t max_cached = 16'384;
  // Owner references hardly ever change; adoption does it.
  int64_t positive_ttl_ms = 3'600'000;
  int64_t negative_ttl_ms = 60'000;
  int max_attempts = 6;
  BackoffOptions backoff;
  uint64_t seed = 0;
};

class OwnerResolver {
 public:
  using Callback = std::function<void(const std::string& object_uid, OwnerChain chain)>;

  // `clock` outlives the resolver.
  OwnerResolver(OwnerResolverOptions options, std::unique_ptr<MetadataSource> source,
                const Clock& clock, std::unique_ptr<Pauser> pauser, OwnerMetrics metrics,
                Callback callback);
  // Stops at once and waits for the thread.
  ~OwnerResolver();

  // The chain that begins with `direct`, an owner of the object in `namespace_name`. False, and
  // counted, when the queue is full.
  bool Resolve(std::string object_uid, std::string namespace_name, const OwnerReference& direct);

 private:
  struct Request {
    std::string object_uid;
    std::string namespace_name;
    Owner direct;
  };

  struct Retry {
    int64_t due_ns;
    Request request;
  };

  void Run();
  // False when stopped.
  bool Serve(Request request, bool again);
  bool ServeRetries();
  void RetryLater(Request request);
  // nullopt when stopped.
  std::optional<OwnerChain> Walk(const Request& request);
  std::optional<OwnerEntry> Lookup(const Owner& owner, const std::string& namespace_name);
  void LogEnd(const Owner& owner, const std::string& namespace_name, const absl::Status& status);

  const OwnerResolverOptions options_;
  const std::unique_ptr<MetadataSource> source_;
  const Clock& clock_;
  const std::unique_ptr<Pauser> pauser_;
  const OwnerMetrics metrics_;
  const Callback callback_;
  BoundedQueue<Request> queue_;

  // The thread's own.
  OwnerCache cache_;
  Backoff backoff_;
  std::deque<Retry> retries_;  // the earliest first
  StringSet forbidden_kinds_;  // that were warned of; kMaxForbiddenKinds at most

  std::thread thread_;  // the last member: it uses the others
};

}  // namespace leadline::kube
