#include "collector/remote/write/media_type.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "common/utf8.h"

namespace leadline::collector::remote::write {
namespace {

constexpr std::string_view kProtobuf = "application/x-protobuf";
constexpr std::string_view kProto = "proto=";
constexpr std::string_view kVersion1 = "prometheus.WriteRequest";
constexpr std::string_view kVersion2 = "io.prometheus.write.v2.Request";

std::string_view TrimBlanks(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

std::string_view TakePart(std::string_view& text) {
  const std::string_view part = text.substr(0, text.find(';'));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return TrimBlanks(part);
}

std::string_view Unquoted(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return quoted ? value.substr(1, value.size() - 2) : value;
}

std::string Shown(std::string_view header) { return ToValidUtf8(header.substr(0, 200)); }

}  // namespace

absl::StatusOr<Version> VersionOf(const http::Request& request) {
  const std::string_view encoding = TrimBlanks(request.GetHeader("Content-Encoding"));
  if (!encoding.empty() && !http::EqualsIgnoringCase(encoding, "snappy")) {
    return absl::InvalidArgumentError(fmt::format(
        "{} encoding (compression) is not accepted by this server; only snappy is acceptable",
        Shown(encoding)));
  }
  const std::string_view type = request.GetHeader("Content-Type");
  std::string_view rest = type;
  const std::string_view media = TakePart(rest);
  std::string_view message = kVersion1;
  while (!rest.empty()) {
    const std::string_view parameter = TakePart(rest);
    if (!http::EqualsIgnoringCase(parameter.substr(0, kProto.size()), kProto)) continue;
    message = Unquoted(parameter.substr(kProto.size()));
  }
  if (media.empty() || http::EqualsIgnoringCase(media, kProtobuf)) {
    if (message == kVersion1) return Version::k1;
    if (message == kVersion2) return Version::k2;
  }
  return absl::InvalidArgumentError(
      fmt::format("{} is not accepted by this server; {} is, with proto={} (or none) or proto={}",
                  Shown(type), kProtobuf, kVersion1, kVersion2));
}

}  // namespace leadline::collector::remote::write
