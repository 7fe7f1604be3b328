// Self-metrics of the files that the agent keeps open.
//
// leadline_agent_files_open, leadline_agent_files_opened_total,
// leadline_agent_files_not_kept_total, leadline_agent_files_failed_total. Not thread-safe; `files`
// must outlive it.
#pragma once

#include "agent/source/open_files.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/registry.h"

namespace leadline::agent {

class FileMetrics {
 public:
  FileMetrics(const source::OpenFiles& files, prometheus::Registry& registry);

  // Once an interval.
  void Update();

 private:
  const source::OpenFiles& files_;
  source::OpenFiles::Counts last_;
  prometheus::Gauge& open_;
  prometheus::Counter& opened_;
  prometheus::Counter& not_kept_;
  prometheus::Counter& failed_;
};

}  // namespace leadline::agent
