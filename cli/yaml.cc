#include "cli/yaml.h"

#include <algorithm>
#include <cctype>
#include <string>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace leadline::cli {
namespace {

namespace json = boost::json;

bool IsPlain(const json::value& value) { return !value.is_object() && !value.is_array(); }

// Written on one line.
bool IsInline(const json::value& value) {
  if (const auto* list = value.if_array()) {
    return std::all_of(list->begin(), list->end(), IsPlain);
  }
  return IsPlain(value) || value.get_object().empty();
}

std::string Plain(const json::value& value) {
  // The serializer writes 1.5E0.
  return value.is_double() ? fmt::format("{}", value.get_double()) : json::serialize(value);
}

std::string Inline(const json::value& value) {
  const auto* const list = value.if_array();
  if (list == nullptr) return Plain(value);
  std::string text;
  for (const json::value& item : *list) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", Plain(item));
  }
  return fmt::format("[{}]", text);
}

// Names as those of labels need no quotes, unless YAML 1.1 takes them for another type.
std::string Key(json::string_view key) {
  constexpr std::string_view kOtherTypes[] = {"y",  "n",   "yes",  "no",  "true", "false",
                                              "on", "off", "null", "nan", "inf"};
  std::string lower(key.data(), key.size());
  bool is_name = !lower.empty() && std::isdigit(static_cast<unsigned char>(lower[0])) == 0;
  for (char& c : lower) {
    const auto byte = static_cast<unsigned char>(c);
    is_name = is_name && (std::isalnum(byte) != 0 || c == '_');
    c = static_cast<char>(std::tolower(byte));
  }
  is_name = is_name && std::find(std::begin(kOtherTypes), std::end(kOtherTypes), lower) ==
                           std::end(kOtherTypes);
  return is_name ? std::string(key.data(), key.size()) : json::serialize(key);
}

// `lead` is what stands on the first line already; the others are indented by `level`.
void Print(const json::value& value, size_t level, std::string lead, std::ostream& out) {
  const std::string indent(2 * level, ' ');
  if (IsInline(value)) {
    out << lead << Inline(value) << '\n';
    return;
  }
  const auto print_item = [&](std::string_view head, const json::value& item) {
    out << lead << head;
    lead = indent;
    if (IsInline(item)) {
      out << ' ' << Inline(item) << '\n';
    } else {
      out << '\n';
      // A list stands at its key's own indentation, as kubectl prints it.
      const size_t deeper = item.is_array() ? level : level + 1;
      Print(item, deeper, std::string(2 * deeper, ' '), out);
    }
  };
  if (const auto* object = value.if_object()) {
    for (const auto& [key, item] : *object) print_item(Key(key) + ":", item);
    return;
  }
  for (const json::value& item : value.get_array()) {
    if (IsInline(item)) {
      out << lead << "- " << Inline(item) << '\n';
    } else {
      Print(item, level + 1, lead + "- ", out);
    }
    lead = indent;
  }
}

}  // namespace

absl::Status PrintYaml(std::string_view text, std::ostream& out) {
  boost::system::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error);
  if (error) return absl::InvalidArgumentError(fmt::format("no JSON: {}", error.message()));
  Print(value, 0, "", out);
  return absl::OkStatus();
}

}  // namespace leadline::cli
