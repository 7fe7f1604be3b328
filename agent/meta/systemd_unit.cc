#include "agent/meta/systemd_unit.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iterator>

namespace leadline::agent::meta {
namespace {

constexpr std::string_view kSuffixes[] = {".service", ".scope", ".slice"};

bool IsUnit(std::string_view name) {
  return std::any_of(std::begin(kSuffixes), std::end(kSuffixes), [&](std::string_view suffix) {
    return name.size() > suffix.size() && name.ends_with(suffix);
  });
}

std::string Unescape(std::string_view name) {
  constexpr size_t kEscapeBytes = 4;  // \xNN
  std::string plain;
  for (size_t i = 0; i < name.size();) {
    unsigned code = 0;
    const char* digits = name.data() + i + 2;
    if (name.substr(i).starts_with("\\x") && i + kEscapeBytes <= name.size() &&
        std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2 && code >= ' ') {
      plain += static_cast<char>(code);
      i += kEscapeBytes;
    } else {
      plain += name[i++];
    }
  }
  return plain;
}

}  // namespace

std::string SystemdUnit(std::string_view cgroup_path) {
  while (!cgroup_path.empty()) {
    const size_t slash = cgroup_path.rfind('/');
    std::string_view name =
        slash == std::string_view::npos ? cgroup_path : cgroup_path.substr(slash + 1);
    if (name.starts_with('_')) name.remove_prefix(1);
    if (IsUnit(name)) return Unescape(name);
    cgroup_path = slash == std::string_view::npos ? "" : cgroup_path.substr(0, slash);
  }
  return {};
}

}  // namespace leadline::agent::meta
