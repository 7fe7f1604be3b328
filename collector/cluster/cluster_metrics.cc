#include "collector/cluster/cluster_metrics.h"

namespace leadline::collector::cluster {
namespace {

prometheus::Family<prometheus::Counter>& Counters(prometheus::Registry& registry, const char* name,
                                                  const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Gauge>& Gauges(prometheus::Registry& registry, const char* name,
                                              const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

}  // namespace

ClusterMetrics::ClusterMetrics(prometheus::Registry& registry)
    : addresses(Gauges(registry, "leadline_collector_cluster_addresses",
                       "Addresses in the cluster whose owner is known, by what that is; of "
                       "services the ports of nodes too.")),
      of_pods(addresses.Add({{"of", "pod"}})),
      of_nodes(addresses.Add({{"of", "node"}})),
      of_services(addresses.Add({{"of", "service"}})),
      unreadable(Counters(registry, "leadline_collector_cluster_unreadable_addresses_total",
                          "Addresses of the Kubernetes API that are none.")
                     .Add({})),
      forgotten(Counters(registry, "leadline_collector_cluster_forgotten_total",
                         "Addresses of pods that have ended, forgotten before their time.")
                    .Add({})),
      asked(Gauges(registry, "leadline_collector_cluster_asked",
                   "Addresses that agents have asked for and are told of.")
                .Add({})),
      answers(Counters(registry, "leadline_collector_cluster_answers_total",
                       "Answers given to agents, changes included.")
                  .Add({})),
      refused(Counters(registry, "leadline_collector_cluster_questions_refused_total",
                       "Questions beyond what one agent (session) or all may ask.")),
      refused_each(refused.Add({{"limit", "session"}})),
      refused_all(refused.Add({{"limit", "all"}})) {}

}  // namespace leadline::collector::cluster
