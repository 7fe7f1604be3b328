#include "common/config/config_file.h"

#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/file.h"
#include "common/status_text.h"
#include "common/string_map.h"

namespace leadline::config {
namespace {

// Fills in the entry's kind and values; what is wrong with the value otherwise.
std::optional<Problem> ReadValue(const YAML::Node& node, Entry& entry) {
  if (node.IsNull()) return std::nullopt;
  if (node.IsScalar()) {
    entry.kind = Kind::kValue;
    entry.values = {node.Scalar()};
    return std::nullopt;
  }
  if (node.IsMap()) {
    return Problem{entry.line, fmt::format("{}: is a map, where a value is wanted", entry.key)};
  }
  entry.kind = Kind::kList;
  for (const YAML::Node& item : node) {
    if (!item.IsScalar()) {
      return Problem{LineOf(item), fmt::format("{}: item {} of the list is not a value", entry.key,
                                               entry.values.size() + 1)};
    }
    entry.values.push_back(item.Scalar());
  }
  return std::nullopt;
}

void ReadMap(const YAML::Node& map, ConfigFile& file) {
  StringMap<int> lines;
  for (const auto& pair : map) {
    const YAML::Node& key = pair.first;
    const int line = LineOf(key);
    if (!key.IsScalar()) {
      file.problems.push_back({line, "a key is not a text"});
      continue;
    }
    Entry entry{.key = key.Scalar(), .line = line};
    const auto [first, is_new] = lines.try_emplace(entry.key, line);
    if (!is_new) {
      file.problems.push_back({line, fmt::format("{}: is here a second time, after line {}",
                                                 entry.key, first->second)});
      continue;
    }
    if (std::optional<Problem> problem = ReadValue(pair.second, entry)) {
      file.problems.push_back(*std::move(problem));
      continue;
    }
    file.entries.push_back(std::move(entry));
  }
}

}  // namespace

ConfigFile ParseConfig(const std::string& text) {
  ConfigFile file;
  const std::optional<YAML::Node> root = LoadYaml(text, file.problems);
  if (!root || root->IsNull()) return file;
  if (!root->IsMap()) {
    file.problems.push_back(
        {LineOf(*root), "is not a map of keys to values, as in \"interval: 10s\""});
    return file;
  }
  ReadMap(*root, file);
  return file;
}

ConfigFile ReadConfig(const std::string& path) {
  const auto text = ReadFile(path, kMaxConfigBytes);
  if (!text.ok()) {
    std::string_view what = StatusMessage(text.status());
    if (what.starts_with(path + ": ")) what.remove_prefix(path.size() + 2);
    return {.problems = {{0, std::string(what)}}};
  }
  if (!text->has_value()) return {.problems = {{0, "is not there"}}};
  return ParseConfig(**text);
}

}  // namespace leadline::config
