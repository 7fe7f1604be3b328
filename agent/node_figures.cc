#include "agent/node_figures.h"

#include <string>
#include <utility>

#include "absl/time/time.h"
#include <spdlog/spdlog.h>

namespace leadline::agent {
namespace {

prometheus::Gauge& MakeGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

NodeFigures::NodeFigures(source::OpenFiles& files, aggregate::Recorder& recorder,
                         prometheus::Registry& registry)
    : reader_(source::FindHostView(), files),
      recorder_(recorder),
      malformed_(prometheus::BuildCounter()
                     .Name("leadline_agent_node_files_malformed_total")
                     .Help("Files of the node, below /proc, with lines that are not as documented.")
                     .Register(registry)),
      dropped_(prometheus::BuildCounter()
                   .Name("leadline_agent_node_figures_dropped_total")
                   .Help("Figures of the node without a series, as there are too many.")
                   .Register(registry)
                   .Add({})),
      hung_(MakeGauge(registry, "leadline_agent_node_filesystems_hung",
                      "File systems of the node that do not answer.")),
      left_out_(MakeGauge(registry, "leadline_agent_node_filesystems_left_out",
                          "File systems of the node without series, as there are too many.")) {}

void NodeFigures::Sample(const aggregate::Subject& node) {
  const source::NodeReadResult result =
      reader_.Read(absl::FromUnixMillis(node.ts_ms),
                   [&](std::string_view metric, absl::Span<const source::FigureLabel> labels,
                       double value) { series_.Record(node, metric, labels, value, recorder_); });
  for (const auto& [file, status] : result.malformed) {
    malformed_.Add({{"file", std::string(file)}}).Increment();
    spdlog::debug("/proc{}: {}", file, status.ToString());
  }
  dropped_.Increment(
      static_cast<double>(series_.dropped() - std::exchange(last_dropped_, series_.dropped())));
  hung_.Set(static_cast<double>(result.filesystems_hung));
  left_out_.Set(static_cast<double>(result.filesystems_left_out));
}

}  // namespace leadline::agent
