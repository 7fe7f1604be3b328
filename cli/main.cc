// The `leadline` command.
#include <iostream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <curl/curl.h>

#include "cli/check_command.h"
#include "cli/check_rules_command.h"
#include "cli/debug/dump.h"
#include "cli/help_formatter.h"
#include "cli/http_client.h"
#include "cli/query_command.h"
#include "common/clock.h"
#include "common/flags/flags.h"
#include "common/status_text.h"
#include "common/version.h"

namespace leadline::cli {
namespace {

constexpr char kQueryExamples[] = R"(Examples:
  # System calls of the last five minutes, by namespace and controller
  leadline query 'sum by (namespace, controller) (increase(container_syscalls_total[5m]))'

  # The three containers that use the most memory
  leadline query 'topk(3, container_memory_working_set_bytes)'

  # CPU of each pod over the last hour, a value a minute, as CSV
  leadline query --start -1h --step 1m -o csv 'sum by (pod) (rate(container_cpu_usage_seconds_total[5m]))')";

void AddQuery(CLI::App& app, QueryFlags& flags) {
  CLI::App& query = *app.add_subcommand(
      "query", "Run a PromQL query on the collector and print the result as a table.");
  query.footer(kQueryExamples);
  query.add_option("EXPR", flags.expr, "The query, in PromQL")->required();
  AddCollectorOptions(query, flags.collector);
  query
      .add_option("--time", flags.time,
                  "Time of an instant query: RFC 3339, Unix seconds, or before now, as -5m")
      ->type_name("TIME")
      ->default_str("now");
  query.add_option("--start", flags.start, "Start of a range query")->type_name("TIME");
  query.add_option("--end", flags.end, "End of a range query")
      ->type_name("TIME")
      ->default_str("now");
  query.add_option("--step", flags.step, "Time between values of a range query, as 30s")
      ->type_name("DURATION")
      ->default_str("a 250th of the range");
  query.add_flag("--explain", flags.explain,
                 "Print how the query is answered, and what each part of that takes");
  query.add_option("-o,--output", flags.output, "Output format: table, json, yaml or csv")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"table", "json", "yaml", "csv"}))
      ->capture_default_str();
}

CLI::App& AddCheck(CLI::App& app) {
  CLI::App& check = *app.add_subcommand("check", "Say what is wrong with a file.");
  check.require_subcommand(1);
  return check;
}

CLI::App& AddCheckRules(CLI::App& check, CheckRulesFlags& flags) {
  CLI::App& rules = *check.add_subcommand(
      "rules", "Say what is wrong with files of rules, which are in Prometheus' format.");
  rules.add_option("FILE", flags.files, "The files")->required();
  return rules;
}

CLI::App& AddCheckConfig(CLI::App& check, CheckConfigFlags& flags) {
  CLI::App& config = *check.add_subcommand(
      "config", "Say what is wrong with a configuration file of the agent or the collector.");
  config.add_option("FILE", flags.file, "The file")->required();
  config
      .add_option("--program", flags.program,
                  "Whose file it is: agent or collector (default: found by its keys)")
      ->type_name("NAME")
      ->check(CLI::IsMember({"agent", "collector"}));
  return config;
}

// What `leadline debug dump` knows to write, each a subcommand.
struct DumpKind {
  const char* name;
  const char* what;
  absl::Status (*dump)(const DumpFlags& flags, std::ostream& out);
};
constexpr DumpKind kDumpKinds[] = {
    {"spool", "Batches that wait in an agent's spool: its directory, or a segment of it.",
     DumpSpool},
    {"recording", "What an agent was told, turn by turn (leadline-agent --record).", DumpRecording},
    {"store", "A collector's data directory, of one that does not run: manifest, log and windows.",
     DumpStore},
    {"wire", "What the agent of a recording sends to its collector.", DumpWire},
};

// `chosen` is the kind that the command line names.
void AddDebug(CLI::App& app, DumpFlags& flags, const DumpKind*& chosen) {
  CLI::App& debug = *app.add_subcommand("debug", "Look into the files of agent and collector.");
  debug.require_subcommand(1);
  CLI::App& dump = *debug.add_subcommand("dump", "Write a file of ours as text.");
  dump.require_subcommand(1);
  for (const DumpKind& kind : kDumpKinds) {
    CLI::App& one = *dump.add_subcommand(kind.name, kind.what);
    one.add_option("PATH", flags.path, "The file or directory")->required();
    if (kind.dump == DumpSpool) {
      one.add_flag("--messages", flags.messages, "Write the definitions and samples too");
    }
    if (kind.dump == DumpStore) {
      one.add_option("--series", flags.series, "Only the metric of that name")->type_name("METRIC");
      one.add_option("--window", flags.window, "Only windows of that day or class, without the log")
          ->type_name("NAME");
      one.add_flag("--stats", flags.statistics, "What takes the room: by table and by metric");
    }
    one.callback([&chosen, &kind] { chosen = &kind; });
  }
}

int Main(int argc, char** argv) {
  CLI::App app("leadline shows what every container, service and process of a cluster is doing.");
  app.name("leadline");
  app.set_version_flag("--version", "leadline " + std::string(kVersion), "Print the version");
  app.require_subcommand(0, 1);
  app.footer("Use \"leadline <command> --help\" for more about a command.");
  app.formatter(std::make_shared<HelpFormatter>());
  flags::SetUp(app);
  QueryFlags query_flags;
  AddQuery(app, query_flags);
  CheckConfigFlags check_config_flags;
  CheckRulesFlags check_rules_flags;
  CLI::App& check = AddCheck(app);
  const CLI::App& check_config = AddCheckConfig(check, check_config_flags);
  const CLI::App& check_rules = AddCheckRules(check, check_rules_flags);
  DumpFlags dump_flags;
  const DumpKind* dump = nullptr;
  AddDebug(app, dump_flags, dump);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return flags::Exit(app, error);
  }
  if (app.get_subcommands().empty()) {
    std::cout << app.help();
    return 0;
  }
  if (dump != nullptr) {
    const absl::Status status = dump->dump(dump_flags, std::cout);
    if (!status.ok()) std::cerr << "error: " << StatusMessage(status) << '\n';
    return status.ok() ? 0 : 1;
  }
  if (check_config.parsed()) return RunCheckConfig(check_config_flags, std::cout, std::cerr);
  if (check_rules.parsed()) return RunCheckRules(check_rules_flags, std::cout, std::cerr);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  constexpr double kTimeoutSeconds = 150;  // the collector's own limit of a query is shorter
  return RunQuery(query_flags, CurlPostForm(kTimeoutSeconds, query_flags.collector.files),
                  SystemClock(), std::cout, std::cerr);
}

}  // namespace
}  // namespace leadline::cli

int main(int argc, char** argv) { return leadline::cli::Main(argc, argv); }
