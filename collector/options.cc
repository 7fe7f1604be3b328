#include "collector/options.h"

#include <CLI/CLI.hpp>

#include "common/duration.h"
#include "common/version.h"

namespace leadline::collector {

ParsedOptions ParseOptions(int argc, const char* const* argv) {
  Options options;
  std::string retention = "30d";

  CLI::App app("Keeps what the agents count and answers queries about it.", "leadline-collector");
  app.set_version_flag("--version", std::string(kVersion));
  app.add_option("--data", options.data_dir, "Directory of the store")->required();
  app.add_option("--http", options.http, "Address for queries, health and metrics")
      ->capture_default_str();
  app.add_option("--grpc", options.grpc, "Address for agents")->capture_default_str();
  app.add_option("--retention", retention,
                 "How long samples are kept; 0 keeps them for ever and takes samples of any age")
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
    const auto parsed = ParseDuration(retention);
    if (!parsed.ok()) {
      throw CLI::ValidationError("--retention", std::string(parsed.status().message()));
    }
    options.retention = *parsed;
  } catch (const CLI::ParseError& error) {
    return {.options = std::nullopt, .exit_code = app.exit(error)};
  }
  return {.options = std::move(options)};
}

}  // namespace leadline::collector
