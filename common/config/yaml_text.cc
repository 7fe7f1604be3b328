#include "common/config/yaml_text.h"

#include <algorithm>
#include <sstream>
#include <string_view>

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>

#include "common/utf8.h"

namespace leadline::config {
namespace {

int LineOfMark(const YAML::Mark& mark) { return mark.is_null() ? 0 : mark.line + 1; }

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

}  // namespace

int LineOf(const YAML::Node& node) { return LineOfMark(node.Mark()); }

std::optional<YAML::Node> LoadYaml(const std::string& text, std::vector<Problem>& problems) {
  if (!IsValidUtf8(text) || text.find('\0') != std::string::npos) {
    problems.push_back({0, "is not a text in UTF-8"});
    return std::nullopt;
  }
  std::vector<Problem> tabs = FindTabs(text);
  if (!tabs.empty()) {
    problems.insert(problems.end(), tabs.begin(), tabs.end());
    return std::nullopt;
  }
  try {
    // yaml-cpp misses that a quote is never closed where the text ends with a line break.
    const size_t length = text.find_last_not_of(" \r\n") + 1;
    const std::string document = text.substr(0, length);
    if (const auto second = SecondDocument(document)) {
      problems.push_back({LineOfMark(*second), "a second document begins, where one is wanted"});
      return std::nullopt;
    }
    return YAML::Load(document);
  } catch (const YAML::DeepRecursion& error) {
    problems.push_back({LineOfMark(error.mark), "is nested too deeply"});
    return std::nullopt;
  } catch (const YAML::Exception& error) {
    problems.push_back({LineOfMark(error.mark), error.msg});
    return std::nullopt;
  }
}

}  // namespace leadline::config
