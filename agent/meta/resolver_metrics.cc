#include "agent/meta/resolver_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

namespace leadline::agent::meta {

ResolverMetrics::ResolverMetrics(prometheus::Registry& registry)
    : entities_(prometheus::BuildGauge()
                    .Name("leadline_agent_meta_entities")
                    .Help("Containers, pods and cgroups known, those that ended lately included.")
                    .Register(registry)
                    .Add({})),
      pods_(prometheus::BuildGauge()
                .Name("leadline_agent_meta_pods")
                .Help("Pods known from the API or from a cgroup.")
                .Register(registry)
                .Add({})),
      forgotten_(prometheus::BuildCounter()
                     .Name("leadline_agent_meta_forgotten_total")
                     .Help("What ended and was forgotten before its time, for lack of room.")
                     .Register(registry)),
      unattributed_(prometheus::BuildCounter()
                        .Name("leadline_agent_meta_unattributed_containers_total")
                        .Help("Containers of pods that ended and that the API never named.")
                        .Register(registry)
                        .Add({})),
      unreadable_addresses_(prometheus::BuildCounter()
                                .Name("leadline_agent_meta_unreadable_addresses_total")
                                .Help("Addresses of pods and nodes from the API that are none.")
                                .Register(registry)
                                .Add({})),
      asked_peers_(prometheus::BuildGauge()
                       .Name("leadline_agent_meta_asked_peers")
                       .Help("Addresses of peers, with ports, that the collector is asked for.")
                       .Register(registry)
                       .Add({})),
      unasked_peers_(prometheus::BuildCounter()
                         .Name("leadline_agent_meta_unasked_peers_total")
                         .Help("Edges whose peers the collector was not asked for, since it is "
                               "asked for too many, at each reading.")
                         .Register(registry)
                         .Add({})) {}

void ResolverMetrics::SetEntities(size_t count) { entities_.Set(static_cast<double>(count)); }

void ResolverMetrics::SetPods(size_t count) { pods_.Set(static_cast<double>(count)); }

void ResolverMetrics::CountForgotten(const char* what, size_t count) {
  if (count > 0) forgotten_.Add({{"what", what}}).Increment(static_cast<double>(count));
}

void ResolverMetrics::CountUnattributedContainer() { unattributed_.Increment(); }

void ResolverMetrics::CountUnreadableAddress() { unreadable_addresses_.Increment(); }

void ResolverMetrics::SetAskedPeers(size_t count) { asked_peers_.Set(static_cast<double>(count)); }

void ResolverMetrics::CountUnaskedPeer() { unasked_peers_.Increment(); }

}  // namespace leadline::agent::meta
