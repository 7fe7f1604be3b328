#include "cli/collector_access.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "common/address.h"
#include "common/flags/flags.h"
#include "common/flags/server_flags.h"
#include "common/status_text.h"

namespace leadline::cli {
namespace {

// The host of "http://host:port/path", with a port, as in an address.
std::string AddressOf(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  const std::string_view host = authority.substr(authority.rfind('@') + 1);  // npos + 1 is 0
  const bool has_port = host.rfind(':') != std::string_view::npos && !host.ends_with(']');
  return std::string(host) + (has_port ? "" : ":80");
}

}  // namespace

void AddCollectorOptions(CLI::App& command, CollectorAccess& access) {
  command.add_option("--collector", access.url, "The collector's HTTP address")
      ->envname("LEADLINE_COLLECTOR")
      ->check(flags::IsNotEmpty())
      ->type_name("URL")
      ->capture_default_str();
  const auto add_file = [&command](const std::string& name, const std::string& variable,
                                   std::string& file, const std::string& description) {
    return command.add_option(name, file, description)
        ->envname(variable)
        ->check(flags::IsNotEmpty())
        ->type_name("FILE");
  };
  add_file("--ca", "LEADLINE_CA", access.files.ca_file,
           "Authorities, in PEM, that the collector's certificate is checked against (default: the "
           "system's)");
  CLI::Option* const cert = add_file("--cert", "LEADLINE_CERT", access.files.cert_file,
                                     "Your certificate for the collector, in PEM");
  CLI::Option* const key =
      add_file("--key", "LEADLINE_KEY", access.files.key_file, "Private key of it, in PEM");
  cert->needs(key);
  key->needs(cert);
  add_file("--token-file", "LEADLINE_TOKEN_FILE", access.files.token_file,
           "File with the bearer token for the collector");
  command.add_flag("--insecure", access.insecure, "Send the token in clear to another machine too");
}

absl::StatusOr<std::string> CollectorUrl(const CollectorAccess& access) {
  const bool needs_tls = !access.files.ca_file.empty() || !access.files.cert_file.empty();
  std::string url = access.url;
  while (url.ends_with('/')) url.pop_back();
  if (url.find("://") == std::string::npos) url = (needs_tls ? "https://" : "http://") + url;
  if (const auto target = ParseTarget(AddressOf(url)); !target.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("--collector {}: {}", url, StatusMessage(target.status())));
  }
  if (!url.starts_with("http://")) return url;
  if (needs_tls) {
    return absl::InvalidArgumentError(
        fmt::format("--ca, --cert and --key are for https, but the collector is {}", url));
  }
  if (!access.files.token_file.empty() && !access.insecure && !flags::IsLoopback(AddressOf(url))) {
    return absl::InvalidArgumentError(fmt::format(
        "the token would go to {} in clear: use https, or --insecure to send it all the same",
        url));
  }
  return url;
}

}  // namespace leadline::cli
