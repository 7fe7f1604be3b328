#include "common/http/message.h"

#include <algorithm>

namespace leadline::http {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

std::string_view MediaType(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  return type;
}

bool IsForm(std::string_view content_type) {
  return EqualsIgnoringCase(MediaType(content_type), kFormType);
}

std::string_view Request::GetHeader(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (EqualsIgnoringCase(key, name)) return value;
  }
  return "";
}

Params Params::Parse(std::string_view encoded) {
  Params params;
  while (!encoded.empty()) {
    const std::string_view pair = encoded.substr(0, encoded.find('&'));
    encoded.remove_prefix(std::min(encoded.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    params.params_.emplace_back(PercentDecode(pair.substr(0, equals), true),
                                PercentDecode(value, true));
  }
  return params;
}

void Params::Append(Params other) {
  std::move(other.params_.begin(), other.params_.end(), std::back_inserter(params_));
}

std::optional<std::string_view> Params::First(std::string_view name) const {
  for (const auto& [key, value] : params_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string> Params::All(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : params_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

Params RequestParams(const Request& request) {
  Params params;
  if (request.method == "POST" && IsForm(request.GetHeader("Content-Type"))) {
    params = Params::Parse(request.body);
  }
  params.Append(Params::Parse(request.query));
  return params;
}

std::string PercentDecode(std::string_view encoded, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(encoded.size());
  for (size_t i = 0; i < encoded.size(); ++i) {
    const char c = encoded[i];
    if (c == '%' && i + 2 < encoded.size() && HexDigit(encoded[i + 1]) >= 0 &&
        HexDigit(encoded[i + 2]) >= 0) {
      decoded += static_cast<char>(HexDigit(encoded[i + 1]) << 4 | HexDigit(encoded[i + 2]));
      i += 2;
    } else {
      decoded += c == '+' && plus_is_space ? ' ' : c;
    }
  }
  return decoded;
}

}  // namespace leadline::http
