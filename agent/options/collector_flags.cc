#include "agent/options/collector_flags.h"

#include <fmt/format.h>

#include "common/flags/flags.h"
#include "common/flags/server_flags.h"

namespace leadline::agent {

void AddCollectorFlags(flags::Program& program, Options& options) {
  CLI::App& app = program.app();
  tls::ClientFiles& files = options.collector_files;
  app.add_flag("--collector-tls", files.encrypted,
               "Speak TLS to the collector; the options below that need it turn it on as well");
  // Gives what goes with TLS alone.
  const auto add = [&](const std::string& name, std::string& value, const std::string& type,
                       const std::string& description) {
    return app
        .add_option_function<std::string>(
            name,
            [&files, &value](const std::string& given) {
              value = given;
              files.encrypted = true;
            },
            description)
        ->check(flags::IsNotEmpty())
        ->type_name(type);
  };
  add("--collector-ca-file", files.ca_file, "FILE",
      "Authorities, in PEM, that the collector's certificate is checked against (default: the "
      "system's)");
  CLI::Option* const cert = add("--collector-cert-file", files.cert_file, "FILE",
                                "The agent's own certificate for the collector, in PEM");
  CLI::Option* const key = add("--collector-key-file", files.key_file, "FILE",
                               "Private key of that certificate, in PEM");
  cert->needs(key);
  key->needs(cert);
  add("--collector-server-name", files.server_name, "NAME",
      "Name that the collector's certificate must have (default: the address' host)");
  app.add_option("--collector-token-file", files.token_file,
                 "File with the bearer token for the collector; all these files are read anew for "
                 "each session")
      ->check(flags::IsNotEmpty())
      ->type_name("FILE");
  program.AddCheck([&options]() -> std::vector<flags::Conflict> {
    const tls::ClientFiles& given = options.collector_files;
    if (given.token_file.empty() || given.encrypted || options.insecure ||
        flags::IsLoopback(options.collector)) {
      return {};
    }
    return {{"collector-token-file",
             fmt::format("the token would go to {} in clear: give --collector-ca-file or "
                         "--collector-tls, or --insecure to go without",
                         options.collector)}};
  });
}

}  // namespace leadline::agent
