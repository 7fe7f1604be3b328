#include "common/flags/server_flags.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <fmt/format.h>

#include "common/address.h"
#include "common/flags/flags.h"

namespace leadline::flags {
namespace {

constexpr uint32_t kLoopbackNet = 127;  // of 127.0.0.0/8

// What is wrong with where a server listens, beside what it asks of its clients.
std::vector<Conflict> CheckListener(const Listener& listener, const tls::Certificate& certificate,
                                    bool insecure) {
  const std::string& option = listener.option;
  std::vector<Conflict> conflicts;
  if (!listener.access->client_ca_file.empty() && !certificate.given()) {
    conflicts.push_back(
        {option + "-client-ca-file", "needs --tls-cert-file and --tls-key-file as well"});
  }
  if (listener.address->empty() || insecure || IsLoopback(*listener.address)) return conflicts;
  const std::string where =
      fmt::format("{} is not loopback, so whoever reaches it ", *listener.address);
  if (!listener.access->any()) {
    conflicts.push_back(
        {option, fmt::format("{}could use it: give --{}-tokens-file or --{}-client-ca-file, each "
                             "with --tls-cert-file and --tls-key-file; or --insecure to go without",
                             where, option, option)});
  } else if (!certificate.given()) {
    conflicts.push_back({option, fmt::format("{}could read its tokens: give --tls-cert-file and "
                                             "--tls-key-file, or --insecure to go without",
                                             where)});
  }
  return conflicts;
}

}  // namespace

bool IsLoopback(const std::string& address) {
  const auto parsed = ParseHostPort(address);
  if (!parsed.ok()) return false;
  if (parsed->host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, parsed->host.c_str(), &v4) == 1) {
    return ntohl(v4.s_addr) >> 24 == kLoopbackNet;
  }
  in6_addr v6{};
  return inet_pton(AF_INET6, parsed->host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

void AddServerFlags(Program& program, const std::vector<Listener>& listeners,
                    tls::Certificate& certificate, bool& insecure) {
  CLI::App& app = program.app();
  const auto add_file = [&app](const std::string& name, std::string& file,
                               const std::string& description) {
    return app.add_option("--" + name, file, description)->check(IsNotEmpty())->type_name("FILE");
  };
  CLI::Option* const cert =
      add_file("tls-cert-file", certificate.cert_file,
               "Certificate to serve TLS with, and those between it and the authority's, in PEM; "
               "read again when it changes");
  CLI::Option* const key =
      add_file("tls-key-file", certificate.key_file, "Private key of that certificate, in PEM");
  cert->needs(key);
  key->needs(cert);
  for (const Listener& listener : listeners) {
    add_file(listener.option + "-client-ca-file", listener.access->client_ca_file,
             fmt::format("Authorities, in PEM, by one of which {} must have a certificate",
                         listener.clients));
    add_file(
        listener.option + "-tokens-file", listener.access->tokens_file,
        fmt::format("Bearer tokens, one a line, or their sha256:HEX, of which {} must have one; "
                    "read again when it changes",
                    listener.clients));
  }
  app.add_flag(
      "--insecure", insecure,
      "Listen beyond loopback without tokens or client certificates, send tokens in clear");
  program.AddCheck([listeners, &certificate, &insecure] {
    std::vector<Conflict> conflicts;
    for (const Listener& listener : listeners) {
      for (Conflict& conflict : CheckListener(listener, certificate, insecure)) {
        conflicts.push_back(std::move(conflict));
      }
    }
    return conflicts;
  });
}

}  // namespace leadline::flags
