#include "agent/options.h"

#include <unistd.h>

#include <cstdlib>

#include <CLI/CLI.hpp>

#include "common/duration.h"
#include "common/version.h"

namespace leadline::agent {
namespace {

constexpr absl::Duration kShortestInterval = absl::Milliseconds(100);

std::string DefaultNode() {
  if (const char* name = std::getenv("NODE_NAME"); name != nullptr && *name != '\0') return name;
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  return host;
}

}  // namespace

ParsedOptions ParseOptions(int argc, const char* const* argv) {
  Options options;
  options.node = DefaultNode();
  std::string interval = "10s";

  CLI::App app(
      "Watches the containers of this node with eBPF and sends what it counts to a collector.",
      "leadline-agent");
  app.set_version_flag("--version", std::string(kVersion));
  app.add_option("--collector", options.collector, "Address of the collector's gRPC port")
      ->capture_default_str();
  app.add_option("--cluster", options.cluster, "Name of the cluster, a label of everything")
      ->capture_default_str();
  app.add_option("--node", options.node,
                 "Name of the node (default: $NODE_NAME, or the host's name)");
  app.add_option("-k,--kubernetes", options.kubernetes_url, "URL of the Kubernetes API server")
      ->type_name("URL");
  app.add_option("--kubernetes-token-file", options.kubernetes_token_file,
                 "File with the bearer token for the API server; read again when it changes");
  app.add_option("--kubernetes-ca-file", options.kubernetes_ca_file,
                 "File with the certificates that the API server's is checked against");
  app.add_flag("--kubernetes-insecure", options.kubernetes_insecure,
               "Do not check the API server's certificate");
  app.add_option("--interval", interval, "Time between two readings")->capture_default_str();
  app.add_option("--state", options.state_dir, "Directory for the agent's identity")
      ->capture_default_str();
  app.add_option("--http", options.http, "Address for /livez, /readyz and /metrics; \"\" for none")
      ->capture_default_str();
  app.add_option("--max-processes", options.max_processes, "Processes that get series of their own")
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->capture_default_str();
  app.add_flag("--dry-run", options.dry_run,
               "Load every BPF program, print what can be attached and what is missing, and exit");
  try {
    app.parse(argc, argv);
    const auto parsed = ParseDuration(interval);
    if (!parsed.ok()) {
      throw CLI::ValidationError("--interval", std::string(parsed.status().message()));
    }
    if (*parsed < kShortestInterval) {
      throw CLI::ValidationError("--interval", interval + " is shorter than 100ms");
    }
    options.interval = *parsed;
  } catch (const CLI::ParseError& error) {
    return {.options = std::nullopt, .exit_code = app.exit(error)};
  }
  return {.options = std::move(options)};
}

}  // namespace leadline::agent
