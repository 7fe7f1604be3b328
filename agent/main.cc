// leadline-agent: watches one node.
#include <spdlog/spdlog.h>

#include "agent/agent.h"
#include "agent/options.h"
#include "common/log.h"
#include "common/stop_signal.h"

namespace {

absl::Status Run(const leadline::agent::Options& options) {
  if (absl::Status log = leadline::SetUpLog("leadline-agent", options.log_level); !log.ok()) {
    return log;
  }
  if (options.dry_run) return leadline::agent::DryRun();
  auto stop = leadline::StopSignal::Open();
  if (!stop.ok()) return stop.status();
  auto agent = leadline::agent::Agent::Start(options);
  if (!agent.ok()) return agent.status();
  return (*agent)->Run(stop->fd());
}

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = leadline::agent::ParseOptions(argc, argv);
  if (!parsed.options) return parsed.exit_code;
  const absl::Status status = Run(*parsed.options);
  if (status.ok()) return 0;
  spdlog::error("{}", status.ToString());
  return 1;
}
