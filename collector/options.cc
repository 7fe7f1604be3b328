#include "collector/options.h"

#include <CLI/CLI.hpp>

#include "common/duration.h"
#include "common/flags/flags.h"
#include "common/version.h"

namespace leadline::collector {

ParsedOptions ParseOptions(int argc, const char* const* argv) {
  Options options;
  std::string retention = "30d";

  CLI::App app("Keeps what the agents count and answers queries about it.", "leadline-collector");
  flags::SetUp(app);
  app.set_version_flag("--version", std::string(kVersion));
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
  app.add_option("--retention", retention,
                 "How long samples are kept; 0 keeps them for ever and takes samples of any age")
      ->check(flags::IsDuration())
      ->type_name("DURATION")
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->check(flags::IsLogLevel())
      ->type_name("LEVEL")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
    options.retention = ParseDuration(retention).value();  // is checked
  } catch (const CLI::ParseError& error) {
    return {.options = std::nullopt, .exit_code = flags::Exit(app, error)};
  }
  return {.options = std::move(options)};
}

}  // namespace leadline::collector
