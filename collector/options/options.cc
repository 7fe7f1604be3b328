#include "collector/options/options.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include "common/duration.h"
#include "common/flags/flags.h"
#include "common/flags/server_flags.h"
#include "kube/flags/kube_flags.h"

namespace leadline::collector {
namespace {

// Named as Prometheus' where it has them.
void AddQueryOptions(CLI::App& app, Options& options) {
  flags::AddDuration(app, "--query-timeout", options.query_timeout, "2m",
                     "After which a query is given up, its wait for a turn included");
  app.add_option("--query-max-samples", options.query_max_samples,
                 "Samples that a query may hold at a time; above, it is answered 422")
      ->check(CLI::PositiveNumber.description(""))
      ->type_name("NUMBER")
      ->capture_default_str();
  app.add_option("--query-max-memory", options.query_max_memory,
                 "Memory that a query may hold at a time, estimated; above, it is answered 422")
      ->transform(flags::ToBytes())
      ->type_name("SIZE")
      ->default_str("512MiB");
  app.add_option("--query-max-total-memory", options.query_max_total_memory,
                 "Memory that all queries together may hold, estimated")
      ->transform(flags::ToBytes())
      ->type_name("SIZE")
      ->default_str("1GiB");
  app.add_option("--query-max-concurrency", options.query_max_concurrency,
                 "Queries of a tenant that run at a time, and as many calls for series and labels "
                 "and remote reads; others wait")
      ->check(CLI::Range(1, 1024).description(""))
      ->type_name("NUMBER")
      ->capture_default_str();
}

CLI::Validator IsHttpUrlOrNothing() {
  return CLI::Validator(
      [](const std::string& text) {
        if (text.empty() || text.starts_with("http://") || text.starts_with("https://")) {
          return std::string();
        }
        return "\"" + text + "\" is no URL that begins with http:// or https://";
      },
      "");
}

}  // namespace

std::unique_ptr<flags::Program> MakeProgram(Options& options) {
  auto program = std::make_unique<flags::Program>(
      "leadline-collector", "Keeps what the agents count and answers queries about it.");
  CLI::App& app = program->app();
  app.add_option("--data", options.data_dir, "Directory of the store")
      ->required()
      ->check(flags::IsNotEmpty())
      ->type_name("DIR");
  app.add_option("--http", options.http, "Address for queries, health and metrics")
      ->check(flags::IsHostPort())
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--grpc", options.grpc, "Address for agents")
      ->check(flags::IsHostPort())
      ->type_name("HOST:PORT")
      ->capture_default_str();
  flags::AddServerFlags(*program,
                        {{"http", &options.http, &options.http_access, "those who ask"},
                         {"grpc", &options.grpc, &options.grpc_access, "agents"}},
                        options.certificate, options.insecure);
  app.add_option("--cluster", options.cluster,
                 "Name of the cluster whose API server this is, as its agents have it: they are "
                 "told who has which address")
      ->check(flags::IsNotEmpty())
      ->type_name("NAME")
      ->capture_default_str();
  kube::flags::AddKubeFlags(app, options.kubernetes);
  flags::AddDuration(
      app, "--retention", options.retention, "30d",
      "How long samples are kept; 0 keeps them for ever and takes samples of any age");
  app.add_option_function<std::string>(
         "--retention-processes",
         [&options](const std::string& text) {
           options.retention_processes = *ParseDuration(text);
         },
         "How long series of single processes are kept; 0 for ever (default: 7d, or as --retention "
         "where that is shorter or for ever)")
      ->check(flags::IsDuration())
      ->type_name("DURATION");
  flags::AddDuration(app, "--retention-minutes", options.retention_minutes, "0",
                     "How long rollups of a minute are kept; 0: none are made");
  flags::AddDuration(app, "--retention-hours", options.retention_hours, "400d",
                     "How long rollups of an hour are kept; 0: none are made");
  app.add_option(
         "--retention-size", options.retention_bytes,
         "Room on disk for days that are kept; the oldest go when they take more; 0: as much "
         "as they take")
      ->transform(flags::ToBytes())
      ->type_name("SIZE")
      ->default_str("0");
  flags::AddDuration(app, "--max-ahead", options.max_ahead, "10m",
                     "How far ahead of the clock samples may be");
  flags::AddDuration(app, "--max-late", options.max_late, "0",
                     "How late samples of others than agents may come; 0: as late as agents' may, "
                     "which is the retention");
  app.add_option("--max-head-size", options.max_head_bytes,
                 "Memory for series and entities that live, estimated; above, new ones are refused")
      ->transform(flags::ToBytes())
      ->type_name("SIZE")
      ->default_str("2GiB");
  app.add_option("--max-replay-size", options.max_replay_bytes,
                 "Log that a start has to read at most; beyond, samples go to windows earlier")
      ->transform(flags::ToBytes())
      ->type_name("SIZE")
      ->default_str("256MiB");
  app.add_option("--rules", options.rules,
                 "Files of recording rules, in Prometheus' format, or a pattern, as "
                 "/etc/leadline/rules/*.yaml; read again at SIGHUP and POST /-/reload")
      ->check(flags::IsFileOrPattern())
      ->type_name("FILES");
  flags::AddDuration(app, "--rule-interval", options.rule_interval, "1m",
                     "How often groups of rules are evaluated that do not say so themselves",
                     absl::Milliseconds(1));
  flags::AddDuration(app, "--rule-query-offset", options.rule_query_offset, "0",
                     "How long before the time of their evaluation rules look, for samples that "
                     "come late");
  AddQueryOptions(app, options);
  AddTenantFlags(app, options.tenants);
  app.add_option(
         "--cors-origin", options.cors_origins,
         "Web pages of which origins may read answers, as a regular expression; '' for none")
      ->check(flags::IsRegularExpression())
      ->type_name("REGEX")
      ->capture_default_str();
  app.add_option("--remote-write", options.remote_write_url,
                 "Where all samples are sent on to by Prometheus' remote write; '' for nowhere")
      ->check(IsHttpUrlOrNothing())
      ->type_name("URL")
      ->capture_default_str();
  app.add_option("--remote-write-token-file", options.remote_write_token_file,
                 "File with the bearer token for it, read anew for each request")
      ->type_name("FILE");
  app.add_option("--remote-write-ca-file", options.remote_write_ca_file,
                 "Authorities, in PEM, that its certificate is checked against (default: the "
                 "system's)")
      ->type_name("FILE");
  app.add_flag("--remote-write-histograms", options.remote_write_histograms,
               "Send native histograms too; a Prometheus that does not take them takes nothing "
               "behind them");
  app.add_option("--remote-write-queue-size", options.remote_write_queue_bytes,
                 "How much of the log is kept for it alone; above, the oldest is given up")
      ->transform(flags::ToBytes())
      ->type_name("SIZE")
      ->default_str("1GiB");
  app.add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->check(flags::IsLogLevel())
      ->type_name("LEVEL")
      ->capture_default_str();
  return program;
}

absl::Duration RetentionOfProcesses(const Options& options) {
  constexpr absl::Duration kWeek = absl::Hours(7 * 24);
  if (options.retention_processes.has_value()) return *options.retention_processes;
  return std::min(options.retention, kWeek);  // for ever is 0, the least
}

ParsedOptions ParseOptions(int argc, const char* const* argv) {
  Options options;
  const std::unique_ptr<flags::Program> program = MakeProgram(options);
  if (const auto exit_code = program->Parse(argc, argv, std::cout, std::cerr)) {
    return {.options = std::nullopt, .exit_code = *exit_code};
  }
  options.values = program->Values();
  return {.options = std::move(options)};
}

}  // namespace leadline::collector
