// Reads the node's own figures once an interval and records them as series of the node.
//
// Self-metrics: leadline_agent_node_files_malformed_total{file},
// leadline_agent_node_figures_dropped_total, leadline_agent_node_filesystems_hung,
// leadline_agent_node_filesystems_left_out. Not thread-safe. What is passed to the constructor must
// outlive it.
#pragma once

#include <cstdint>

#include "agent/aggregate/node_series.h"
#include "agent/aggregate/recorder.h"
#include "agent/source/node/node_reader.h"
#include "agent/source/open_files.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/registry.h"

namespace leadline::agent {

class NodeFigures {
 public:
  NodeFigures(source::OpenFiles& files, aggregate::Recorder& recorder,
              prometheus::Registry& registry);

  // `node`: the node's entity, whose counters count from its boot.
  void Sample(const aggregate::Subject& node);

 private:
  source::NodeReader reader_;
  aggregate::NodeSeries series_;
  aggregate::Recorder& recorder_;
  prometheus::Family<prometheus::Counter>& malformed_;
  prometheus::Counter& dropped_;
  uint64_t last_dropped_ = 0;
  prometheus::Gauge& hung_;
  prometheus::Gauge& left_out_;
};

}  // namespace leadline::agent
