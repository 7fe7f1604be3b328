// The agent's options, from the command line and its configuration file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "agent/model/cgroup_hierarchy.h"
#include "agent/runtimes/runtime_names.h"
#include "common/flags/program.h"
#include "common/tls/client_files.h"
#include "common/tls/server_files.h"
#include "kube/config/choice.h"

namespace leadline::agent {

struct Options {
  std::string collector = "127.0.0.1:7071";
  bool collector_given = false;
  tls::ClientFiles collector_files;
  std::string cluster = "default";
  std::string node;  // NODE_NAME of the environment, else the host's name
  kube::config::Choice kubernetes;
  absl::Duration interval = absl::Seconds(10);
  std::string state_dir = "/var/lib/leadline-agent";
  uint64_t max_spool_bytes = 256 << 20;  // 0: no spool
  std::string http = "127.0.0.1:7072";   // "": no HTTP server
  tls::Certificate certificate;          // of the HTTP server
  tls::Access http_access;
  bool insecure = false;
  std::string log_level = "info";
  std::vector<runtimes::StateDirectory> runtime_state;  // besides the usual ones
  uint32_t max_processes = 4096;
  bool time_every_syscall = false;
  bool capture_requests = true;
  uint64_t request_ring_bytes = 4 << 20;
  double max_cpus = 1;  // that the agent takes, in the kernel as well; 0: no limit
  CgroupChoice cgroups = CgroupChoice::kAuto;
  bool dry_run = false;
  std::string record;  // file; "": none
  std::string replay;  // file; "": none. To nothing unless collector_given
};

// The table of the options, which sets `options` when it parses.
std::unique_ptr<flags::Program> MakeProgram(Options& options);

// Options, or the exit code after --help, --version, --print-config or an error, which are printed.
using ParsedOptions = flags::Parsed<Options>;
ParsedOptions ParseOptions(int argc, const char* const* argv);

}  // namespace leadline::agent
