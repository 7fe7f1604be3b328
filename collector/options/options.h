// The collector's options, from the command line and its configuration file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

#include "collector/options/tenant_flags.h"
#include "common/flags/program.h"
#include "common/tls/server_files.h"
#include "kube/config/choice.h"

namespace leadline::collector {

struct Options {
  std::string data_dir;
  std::string http = "127.0.0.1:7070";
  std::string grpc = "127.0.0.1:7071";
  tls::Certificate certificate;
  tls::Access http_access;
  tls::Access grpc_access;
  bool insecure = false;
  std::string cluster = "default";
  kube::config::Choice kubernetes;
  absl::Duration retention = absl::Hours(30 * 24);          // zero: for ever
  std::optional<absl::Duration> retention_processes;        // none: RetentionOfProcesses
  absl::Duration retention_minutes = absl::ZeroDuration();  // of rollups; zero: none are made
  absl::Duration retention_hours = absl::Hours(400 * 24);
  uint64_t retention_bytes = 0;  // zero: whatever it takes
  absl::Duration max_ahead = absl::Minutes(10);
  absl::Duration max_late = absl::ZeroDuration();  // zero: as agents'
  uint64_t max_head_bytes = uint64_t{2} << 30;
  uint64_t max_replay_bytes = uint64_t{256} << 20;
  std::vector<std::string> rules;  // files, or patterns
  absl::Duration rule_interval = absl::Minutes(1);
  absl::Duration rule_query_offset = absl::ZeroDuration();
  absl::Duration query_timeout = absl::Minutes(2);
  uint64_t query_max_samples = 50'000'000;
  uint64_t query_max_memory = uint64_t{512} << 20;
  uint64_t query_max_total_memory = uint64_t{1} << 30;
  int query_max_concurrency = 8;
  TenantOptions tenants;
  std::string cors_origins = ".*";
  // Where samples are sent on to; no URL: nowhere.
  std::string remote_write_url;
  std::string remote_write_token_file;
  std::string remote_write_ca_file;
  bool remote_write_histograms = false;
  uint64_t remote_write_queue_bytes = uint64_t{1} << 30;
  std::string log_level = "info";
  std::vector<std::pair<std::string, std::string>> values;  // all of the above, as texts
};

// Of series of single processes: what was asked for, else a week, or the retention where that is
// shorter or for ever.
absl::Duration RetentionOfProcesses(const Options& options);

// The table of the options, which sets `options` when it parses.
std::unique_ptr<flags::Program> MakeProgram(Options& options);

// Options, or the exit code after --help, --version, --print-config or an error, which are printed.
using ParsedOptions = flags::Parsed<Options>;
ParsedOptions ParseOptions(int argc, const char* const* argv);

}  // namespace leadline::collector
