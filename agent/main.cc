// leadline-agent: watches one node.
#include <cstdlib>

#include <spdlog/spdlog.h>

#include "agent/agent.h"
#include "agent/options/options.h"
#include "agent/replay.h"
#include "agent/source/open_files.h"
#include "common/log.h"
#include "common/status_text.h"
#include "common/stop_signal.h"

namespace {

absl::Status Run(const leadline::agent::Options& options) {
  if (absl::Status log = leadline::SetUpLog("leadline-agent", options.log_level); !log.ok()) {
    return log;
  }
  if (absl::Status files = leadline::agent::source::CheckDescriptorLimit(); !files.ok()) {
    return files;
  }
  // What fails in gRPC we report ourselves, in our words and form.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  if (options.dry_run) return leadline::agent::DryRun(options);
  if (!options.replay.empty()) return leadline::agent::Replay(options);
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
  spdlog::error("{}", leadline::StatusMessage(status));
  return 1;
}
