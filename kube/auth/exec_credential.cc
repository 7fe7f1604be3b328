#include "kube/auth/exec_credential.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include <boost/json.hpp>
#include <fmt/format.h>

#include "common/status_macros.h"
#include "kube/json.h"

namespace leadline::kube::auth {
namespace {

namespace json = boost::json;

constexpr char kKind[] = "ExecCredential";

json::object ClusterJson(const ExecCluster& cluster) {
  json::object object{{"server", cluster.server}};
  const auto add = [&](const char* key, const std::string& text) {
    if (!text.empty()) object[key] = text;
  };
  add("tls-server-name", cluster.tls_server_name);
  if (cluster.insecure_skip_tls_verify) object["insecure-skip-tls-verify"] = true;
  std::string ca;
  absl::Base64Escape(cluster.ca_pem, &ca);
  add("certificate-authority-data", ca);
  add("proxy-url", cluster.proxy_url);
  if (!cluster.config_json.empty()) {
    json::error_code error;
    object["config"] = json::parse(cluster.config_json, error);
  }
  return object;
}

// Of a header, so without anything that would end it.
bool IsToken(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; });
}

bool IsPem(std::string_view text) { return text.find("-----BEGIN ") != std::string_view::npos; }

absl::Status Check(const Credential& credential) {
  if (credential.certificate_pem.empty() != credential.key_pem.empty()) {
    return absl::InvalidArgumentError(
        "gives one of clientCertificateData and clientKeyData without the other");
  }
  if (credential.token.empty() && credential.key_pem.empty()) {
    return absl::InvalidArgumentError("gives neither a token nor a client certificate");
  }
  if (!IsToken(credential.token)) {
    return absl::InvalidArgumentError("gives a token with spaces or control characters");
  }
  if (!credential.key_pem.empty() &&
      !(IsPem(credential.certificate_pem) && IsPem(credential.key_pem))) {
    return absl::InvalidArgumentError("gives a client certificate or key that is not PEM");
  }
  return absl::OkStatus();
}

}  // namespace

bool IsKnownExecVersion(std::string_view api_version) {
  return api_version == "client.authentication.k8s.io/v1" ||
         api_version == "client.authentication.k8s.io/v1beta1";
}

std::string ExecInfo(const std::string& api_version, const ExecCluster* cluster) {
  json::object spec{{"interactive", false}};
  if (cluster != nullptr) spec["cluster"] = ClusterJson(*cluster);
  return json::serialize(
      json::object{{"kind", kKind}, {"apiVersion", api_version}, {"spec", std::move(spec)}});
}

absl::StatusOr<PluginCredential> DecodeExecCredential(std::string_view text,
                                                      std::string_view api_version) {
  LL_ASSIGN_OR_RETURN(const json::value document, ParseJson(text));
  FieldReader reader;
  const json::object* root = reader.Root(document);
  const std::string_view kind = reader.String(root, "kind");
  const std::string_view version = reader.String(root, "apiVersion");
  const json::object* status = reader.Object(root, "status");
  PluginCredential result;
  result.credential.token = reader.String(status, "token");
  result.credential.certificate_pem = reader.String(status, "clientCertificateData");
  result.credential.key_pem = reader.String(status, "clientKeyData");
  result.expires_unix_ms = reader.TimeMs(status, "expirationTimestamp");
  LL_RETURN_IF_ERROR(reader.status());
  if (kind != kKind || version != api_version) {
    return absl::InvalidArgumentError(fmt::format("gives a {} of {}, where {} of {} is wanted",
                                                  kind, version, kKind, api_version));
  }
  if (status == nullptr) return absl::InvalidArgumentError("gives no status");
  LL_RETURN_IF_ERROR(Check(result.credential));
  return result;
}

}  // namespace leadline::kube::auth
