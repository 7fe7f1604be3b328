#include "kube/metrics.h"

#include <utility>

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

namespace leadline::kube {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;

Family<Counter>* Counters(prometheus::Registry& registry, std::string_view prefix,
                          std::string_view name, const char* help) {
  return &prometheus::BuildCounter()
              .Name(fmt::format("{}_kube_{}", prefix, name))
              .Help(help)
              .Register(registry);
}

Family<Gauge>* Gauges(prometheus::Registry& registry, std::string_view prefix,
                      std::string_view name, const char* help) {
  return &prometheus::BuildGauge()
              .Name(fmt::format("{}_kube_{}", prefix, name))
              .Help(help)
              .Register(registry);
}

}  // namespace

ReflectorMetrics::ReflectorMetrics(prometheus::Registry& registry, std::string_view prefix,
                                   std::string resource)
    : resource_(std::move(resource)),
      lists_(Counters(registry, prefix, "lists_total", "Lists of Kubernetes objects, by result.")),
      expired_lists_(Counters(registry, prefix, "expired_lists_total",
                              "Lists begun anew because a continue token had expired.")),
      watches_(Counters(registry, prefix, "watches_total", "Watches begun.")),
      watch_ends_(Counters(registry, prefix, "watch_ends_total", "Watches ended, by reason.")),
      events_(Counters(registry, prefix, "events_total", "Watch events received, by type.")),
      bad_objects_(Counters(registry, prefix, "bad_objects_total",
                            "Objects skipped because they were not as documented.")),
      objects_(Gauges(registry, prefix, "objects", "Objects known.")),
      last_event_(Gauges(registry, prefix, "last_event_timestamp_seconds",
                         "When the last list or watch event came, bookmarks included.")) {}

void ReflectorMetrics::CountList(std::string_view result) const {
  lists_->Add({{"resource", resource_}, {"result", std::string(result)}}).Increment();
}
void ReflectorMetrics::CountExpiredList() const {
  expired_lists_->Add({{"resource", resource_}}).Increment();
}
void ReflectorMetrics::CountWatch() const { watches_->Add({{"resource", resource_}}).Increment(); }
void ReflectorMetrics::CountWatchEnd(std::string_view reason) const {
  watch_ends_->Add({{"resource", resource_}, {"reason", std::string(reason)}}).Increment();
}
void ReflectorMetrics::CountEvent(std::string_view type) const {
  events_->Add({{"resource", resource_}, {"type", std::string(type)}}).Increment();
}
void ReflectorMetrics::CountBadObjects(std::string_view source, double count) const {
  bad_objects_->Add({{"resource", resource_}, {"source", std::string(source)}}).Increment(count);
}
void ReflectorMetrics::SetObjects(double count) const {
  objects_->Add({{"resource", resource_}}).Set(count);
}
void ReflectorMetrics::SetLastEvent(double unix_seconds) const {
  last_event_->Add({{"resource", resource_}}).Set(unix_seconds);
}

OwnerMetrics::OwnerMetrics(prometheus::Registry& registry, std::string_view prefix)
    : lookups_(Counters(registry, prefix, "owner_lookups_total",
                        "Requests for the metadata of owners, by result.")),
      chains_(Counters(registry, prefix, "owner_chains_total",
                       "Owner chains resolved, by what ended them.")),
      cache_hits_(
          &Counters(registry, prefix, "owner_cache_hits_total", "Owners found in the cache.")
               ->Add({})),
      dropped_(&Counters(registry, prefix, "owner_requests_dropped_total",
                         "Owner chains not looked up because the queue was full.")
                    ->Add({})),
      queued_(
          &Gauges(registry, prefix, "owner_requests_queued", "Owner chains to look up.")->Add({})),
      cached_(&Gauges(registry, prefix, "owners_cached", "Owners in the cache.")->Add({})) {}

void OwnerMetrics::CountLookup(std::string_view result) const {
  lookups_->Add({{"result", std::string(result)}}).Increment();
}
void OwnerMetrics::CountCacheHit() const { cache_hits_->Increment(); }
void OwnerMetrics::CountChain(std::string_view end) const {
  chains_->Add({{"end", std::string(end)}}).Increment();
}
void OwnerMetrics::CountDropped() const { dropped_->Increment(); }
void OwnerMetrics::SetQueued(double count) const { queued_->Set(count); }
void OwnerMetrics::SetCached(double count) const { cached_->Set(count); }

}  // namespace leadline::kube
