#include "common/config/config_file.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "common/file.h"
#include "common/status_text.h"
#include "common/string_map.h"
#include "common/utf8.h"

namespace leadline::config {
namespace {

int LineOf(const YAML::Mark& mark) { return mark.is_null() ? 0 : mark.line + 1; }

// YAML forbids tabs as indentation; yaml-cpp takes some and misunderstands others.
std::vector<Problem> FindTabs(std::string_view text) {
  std::vector<Problem> problems;
  for (int line = 1; !text.empty(); ++line) {
    const std::string_view whole = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), whole.size() + 1));
    const std::string_view indent = whole.substr(0, whole.find_first_not_of(" \t"));
    if (indent.size() < whole.size() && indent.find('\t') != std::string_view::npos) {
      problems.push_back({line, "is indented by a tab, which YAML does not allow: use blanks"});
    }
  }
  return problems;
}

// Looks at nothing but where documents begin.
class DocumentStarts final : public YAML::EventHandler {
 public:
  const YAML::Mark& last() const { return last_; }

  void OnDocumentStart(const YAML::Mark& mark) override { last_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  YAML::Mark last_;
};

// yaml-cpp's LoadAll() finds documents without end in a text like ",-'".
std::optional<YAML::Mark> SecondDocument(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentStarts starts;
  if (!parser.HandleNextDocument(starts) || !parser.HandleNextDocument(starts)) return std::nullopt;
  return starts.last();
}

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
      return Problem{LineOf(item.Mark()), fmt::format("{}: item {} of the list is not a value",
                                                      entry.key, entry.values.size() + 1)};
    }
    entry.values.push_back(item.Scalar());
  }
  return std::nullopt;
}

void ReadMap(const YAML::Node& map, ConfigFile& file) {
  StringMap<int> lines;
  for (const auto& pair : map) {
    const YAML::Node& key = pair.first;
    const int line = LineOf(key.Mark());
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
  if (!IsValidUtf8(text) || text.find('\0') != std::string::npos) {
    file.problems.push_back({0, "is not a text in UTF-8"});
    return file;
  }
  file.problems = FindTabs(text);
  if (!file.problems.empty()) return file;
  try {
    // yaml-cpp misses that a quote is never closed where the text ends with a line break.
    const size_t length = text.find_last_not_of(" \r\n") + 1;
    const std::string document = text.substr(0, length);
    if (const auto second = SecondDocument(document)) {
      file.problems.push_back({LineOf(*second), "a second document begins, where one is wanted"});
      return file;
    }
    const YAML::Node root = YAML::Load(document);
    if (root.IsNull()) return file;
    if (!root.IsMap()) {
      file.problems.push_back(
          {LineOf(root.Mark()), "is not a map of keys to values, as in \"interval: 10s\""});
      return file;
    }
    ReadMap(root, file);
  } catch (const YAML::Exception& error) {
    file.problems.push_back({LineOf(error.mark), error.msg});
  }
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
