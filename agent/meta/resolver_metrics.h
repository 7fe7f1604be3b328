// What the metadata resolver says about itself.
//
// The registry outlives it.
#pragma once

#include <cstddef>

#include <prometheus/family.h>

namespace prometheus {
class Counter;
class Gauge;
class Registry;
}  // namespace prometheus

namespace leadline::agent::meta {

class ResolverMetrics {
 public:
  explicit ResolverMetrics(prometheus::Registry& registry);

  void SetEntities(size_t count);
  void SetPods(size_t count);
  // `what` was forgotten before its time: cgroup, entity, pod, owners, address.
  void CountForgotten(const char* what, size_t count);
  void CountUnattributedContainer();
  void CountUnreadableAddress();
  void SetAskedPeers(size_t count);
  void CountUnaskedPeer();

 private:
  prometheus::Gauge& entities_;
  prometheus::Gauge& pods_;
  prometheus::Family<prometheus::Counter>& forgotten_;
  prometheus::Counter& unattributed_;
  prometheus::Counter& unreadable_addresses_;
  prometheus::Gauge& asked_peers_;
  prometheus::Counter& unasked_peers_;
};

}  // namespace leadline::agent::meta
