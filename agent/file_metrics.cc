#include "agent/file_metrics.h"

#include <cstdint>
#include <utility>

#include "agent/self_metrics.h"

namespace leadline::agent {
namespace {

void Advance(prometheus::Counter& counter, uint64_t& last, uint64_t now) {
  counter.Increment(static_cast<double>(now - std::exchange(last, now)));
}

}  // namespace

FileMetrics::FileMetrics(const source::OpenFiles& files, prometheus::Registry& registry)
    : files_(files),
      open_(prometheus::BuildGauge()
                .Name("leadline_agent_files_open")
                .Help("Files of /proc, /sys and cgroups that are kept open between intervals.")
                .Register(registry)
                .Add({})),
      opened_(MakeCounter(registry, "leadline_agent_files_opened_total",
                          "Files of /proc, /sys and cgroups opened to be read every interval.")),
      not_kept_(MakeCounter(registry, "leadline_agent_files_not_kept_total",
                            "Of these, closed again as too many are open: they are opened anew in "
                            "every interval.")),
      failed_(MakeCounter(registry, "leadline_agent_files_failed_total",
                          "Reads of files that are there and could not be read.")) {}

void FileMetrics::Update() {
  const source::OpenFiles::Counts& now = files_.counts();
  open_.Set(static_cast<double>(now.open));
  Advance(opened_, last_.opened, now.opened);
  Advance(not_kept_, last_.not_kept, now.not_kept);
  Advance(failed_, last_.failed, now.failed);
}

}  // namespace leadline::agent
