// What the directory says about itself. The registry outlives it.
#pragma once

#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/registry.h"

namespace leadline::collector::cluster {

struct ClusterMetrics {
  explicit ClusterMetrics(prometheus::Registry& registry);

  prometheus::Family<prometheus::Gauge>& addresses;
  prometheus::Gauge& of_pods;
  prometheus::Gauge& of_nodes;
  prometheus::Gauge& of_services;  // the ports of all nodes with them
  prometheus::Counter& unreadable;
  prometheus::Counter& forgotten;
  prometheus::Gauge& asked;
  prometheus::Counter& answers;
  prometheus::Family<prometheus::Counter>& refused;
  prometheus::Counter& refused_each;
  prometheus::Counter& refused_all;
};

}  // namespace leadline::collector::cluster
