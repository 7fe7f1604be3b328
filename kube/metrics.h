// What the Kubernetes client says about itself.
//
// The programs share the code and not the names: `prefix` is leadline_agent or leadline_collector.
// Thread-safe; the registry outlives them.
#pragma once

#include <string>
#include <string_view>

#include <prometheus/family.h>

namespace prometheus {
class Counter;
class Gauge;
class Registry;
}  // namespace prometheus

namespace leadline::kube {

class ReflectorMetrics {
 public:
  ReflectorMetrics(prometheus::Registry& registry, std::string_view prefix, std::string resource);

  void CountList(std::string_view result) const;  // ProblemName
  void CountExpiredList() const;
  void CountWatch() const;
  void CountWatchEnd(std::string_view reason) const;
  void CountEvent(std::string_view type) const;
  void CountBadObjects(std::string_view source, double count) const;  // list, watch
  void SetObjects(double count) const;
  void SetLastEvent(double unix_seconds) const;

 private:
  std::string resource_;
  prometheus::Family<prometheus::Counter>* lists_;
  prometheus::Family<prometheus::Counter>* expired_lists_;
  prometheus::Family<prometheus::Counter>* watches_;
  prometheus::Family<prometheus::Counter>* watch_ends_;
  prometheus::Family<prometheus::Counter>* events_;
  prometheus::Family<prometheus::Counter>* bad_objects_;
  prometheus::Family<prometheus::Gauge>* objects_;
  prometheus::Family<prometheus::Gauge>* last_event_;
};

class OwnerMetrics {
 public:
  OwnerMetrics(prometheus::Registry& registry, std::string_view prefix);

  void CountLookup(std::string_view result) const;  // ok, not_found, forbidden, failed, ...
  void CountCacheHit() const;
  void CountChain(std::string_view end) const;
  void CountDropped() const;
  void SetQueued(double count) const;
  void SetCached(double count) const;

 private:
  prometheus::Family<prometheus::Counter>* lookups_;
  prometheus::Family<prometheus::Counter>* chains_;
  prometheus::Counter* cache_hits_;
  prometheus::Counter* dropped_;
  prometheus::Gauge* queued_;
  prometheus::Gauge* cached_;
};

}  // namespace leadline::kube
