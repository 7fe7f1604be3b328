// leadline-collector: keeps what the agents count and answers queries about it.
#include <cstdlib>

#include <spdlog/spdlog.h>

#include "collector/collector.h"
#include "collector/options/options.h"
#include "common/descriptor_limit.h"
#include "common/log.h"
#include "common/status_text.h"
#include "common/stop_signal.h"

namespace {

absl::Status Run(const leadline::collector::Options& options) {
  if (absl::Status log = leadline::SetUpLog("leadline-collector", options.log_level); !log.ok()) {
    return log;
  }
  // A window that is open, a day of samples, keeps some six files open.
  leadline::RaiseDescriptorLimit();
  // What fails in gRPC we report ourselves, in our words and form.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  auto stop = leadline::StopSignal::Open();
  if (!stop.ok()) return stop.status();
  return leadline::collector::Run(options, stop->fd());
}

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = leadline::collector::ParseOptions(argc, argv);
  if (!parsed.options) return parsed.exit_code;
  const absl::Status status = Run(*parsed.options);
  if (status.ok()) return 0;
  spdlog::error("{}", leadline::StatusMessage(status));
  return 1;
}
