#include "collector/rules/file/rule_file.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "collector/promql/parse/parser.h"
#include "common/duration.h"
#include "common/file.h"
#include "common/status_text.h"
#include "common/string_map.h"

namespace leadline::collector::rules {
namespace {

constexpr int kMaxMergeDepth = 16;

using config::LineOf;
using config::Problem;

// Reads one file and keeps what is wrong with it.
class FileReader {
 public:
  explicit FileReader(RuleFile& file) : file_(file) {}

  void Read(const YAML::Node& root) {
    if (root.IsNull()) return;
    ReadMap(root, "the file", {{"groups", [this](const YAML::Node& node) { ReadGroups(node); }}});
  }

 private:
  struct Key {
    std::string_view name;
    std::function<void(const YAML::Node&)> read;
  };

  void Complain(const YAML::Node& node, std::string what) {
    file_.problems.push_back({LineOf(node), std::move(what)});
  }

  using Pairs = std::vector<std::pair<YAML::Node, YAML::Node>>;

  // Of a map; and by "<<" those of other maps, unless it has their keys itself.
  Pairs PairsOf(const YAML::Node& map, std::string_view what, int depth = 0) {
    Pairs pairs;
    std::vector<YAML::Node> others;
    for (const auto& pair : map) {
      if (!pair.first.IsScalar() || pair.first.Scalar() != "<<") {
        pairs.emplace_back(pair.first, pair.second);
      } else if (pair.second.IsSequence()) {
        for (const YAML::Node& other : pair.second) others.push_back(other);
      } else {
        others.push_back(pair.second);
      }
    }
    for (const YAML::Node& other : others) {
      if (merges_too_deep_) break;
      if (!other.IsMap()) {
        Complain(other, fmt::format("\"<<\" of {} is neither a map nor a list of maps", what));
      } else if (depth == kMaxMergeDepth) {
        merges_too_deep_ = true;  // in itself, perhaps
        Complain(other, fmt::format("\"<<\" of {} is more than {} deep", what, kMaxMergeDepth));
      } else {
        Merge(PairsOf(other, what, depth + 1), pairs);
      }
    }
    return pairs;
  }

  static void Merge(const Pairs& others, Pairs& pairs) {
    for (const auto& [key, value] : others) {
      const auto is_same = [&name = key](const auto& pair) {
        return name.IsScalar() && pair.first.IsScalar() && pair.first.Scalar() == name.Scalar();
      };
      if (std::none_of(pairs.begin(), pairs.end(), is_same)) pairs.emplace_back(key, value);
    }
  }

  // Every key at most once, and only these. A key without a value is as if it were not there.
  void ReadMap(const YAML::Node& map, std::string_view what, const std::vector<Key>& keys) {
    if (!map.IsMap()) return Complain(map, fmt::format("{} is not a map", what));
    StringMap<int> seen;
    for (const auto& pair : PairsOf(map, what)) {
      if (!pair.first.IsScalar()) {
        Complain(pair.first, fmt::format("a key of {} is not a text", what));
        continue;
      }
      const std::string& name = pair.first.Scalar();
      const auto [first, is_new] = seen.try_emplace(name, LineOf(pair.first));
      if (!is_new) {
        Complain(pair.first,
                 fmt::format("{} is here a second time, after line {}", name, first->second));
        continue;
      }
      const Key* found = nullptr;
      for (const Key& key : keys) {
        if (key.name == name) found = &key;
      }
      if (found == nullptr) {
        Complain(pair.first, fmt::format("{} has no key \"{}\"", what, name));
      } else if (!pair.second.IsNull()) {
        found->read(pair.second);
      }
    }
  }

  Key TextKey(std::string_view name, std::string& text) {
    return {name, [this, name, &text](const YAML::Node& node) {
              if (!node.IsScalar()) return Complain(node, fmt::format("{} is not a text", name));
              text = node.Scalar();
            }};
  }

  template <typename Duration>
  Key DurationKey(std::string_view name, Duration& duration, absl::Duration least) {
    return {name, [this, name, &duration, least](const YAML::Node& node) {
              const auto parsed = node.IsScalar() ? ParseDuration(node.Scalar())
                                                  : absl::InvalidArgumentError("is not a text");
              if (!parsed.ok()) {
                return Complain(node, fmt::format("{}: {}", name, StatusMessage(parsed.status())));
              }
              if (*parsed < least) return Complain(node, fmt::format("{} is not above 0", name));
              duration = *parsed;
            }};
  }

  Key LimitKey(uint64_t& limit) {
    return {"limit", [this, &limit](const YAML::Node& node) {
              const std::string text = node.IsScalar() ? node.Scalar() : "";
              const auto end = text.data() + text.size();
              const auto [rest, error] = std::from_chars(text.data(), end, limit);
              if (error != std::errc() || rest != end) {
                Complain(node, fmt::format("limit is not a number of series: \"{}\"", text));
              }
            }};
  }

  Key LabelsKey(std::string_view name, std::vector<Label>& labels) {
    return {name, [this, name, &labels](const YAML::Node& node) {
              ReadTexts(node, name, [&](const YAML::Node& key, const std::string& value) {
                if (!IsValidLabelName(key.Scalar()) || key.Scalar() == kMetricName) {
                  return Complain(key,
                                  fmt::format("{}: invalid label name \"{}\"", name, key.Scalar()));
                }
                labels.push_back({key.Scalar(), value});
              });
              std::sort(labels.begin(), labels.end());
            }};
  }

  Key AnnotationsKey(LabelSet& annotations) {
    return {"annotations", [this, &annotations](const YAML::Node& node) {
              ReadTexts(node, "annotations", [&](const YAML::Node& key, const std::string& value) {
                annotations.Set(key.Scalar(), value);
              });
            }};
  }

  // Calls take(key, value) for each pair of a map of texts, each key once.
  template <typename Take>
  void ReadTexts(const YAML::Node& node, std::string_view name, Take take) {
    if (!node.IsMap()) return Complain(node, fmt::format("{} is not a map", name));
    StringSet seen;
    for (const auto& pair : PairsOf(node, name)) {
      if (!pair.first.IsScalar() || !(pair.second.IsScalar() || pair.second.IsNull())) {
        Complain(pair.first, fmt::format("{} is not a map of texts", name));
      } else if (!seen.insert(pair.first.Scalar()).second) {
        Complain(pair.first,
                 fmt::format("{}: {} is here a second time", name, pair.first.Scalar()));
      } else {
        take(pair.first, pair.second.IsNull() ? std::string() : pair.second.Scalar());
      }
    }
  }

  void ReadGroups(const YAML::Node& groups) {
    if (!groups.IsSequence()) return Complain(groups, "groups is not a list");
    for (const YAML::Node& node : groups) {
      Group group{.line = LineOf(node)};
      ReadGroup(node, group);
      if (group.name.empty()) {
        Complain(node, "groupname must not be empty");
      } else if (const auto [first, is_new] = names_.try_emplace(group.name, group.line); !is_new) {
        Complain(node, fmt::format("groupname \"{}\" is repeated in the same file, after line {}",
                                   group.name, first->second));
      }
      file_.groups.push_back(std::move(group));
    }
  }

  void ReadGroup(const YAML::Node& node, Group& group) {
    ReadMap(node, "a group",
            {TextKey("name", group.name),
             DurationKey("interval", group.interval, absl::Milliseconds(1)),
             DurationKey("query_offset", group.query_offset, absl::ZeroDuration()),
             LimitKey(group.limit),
             LabelsKey("labels", group.labels),
             {"rules", [this, &group](const YAML::Node& rules) {
                if (!rules.IsSequence()) return Complain(rules, "rules is not a list");
                for (const YAML::Node& rule : rules) {
                  group.rules.push_back(ReadRule(rule, group.name));
                }
              }}});
  }

  Rule ReadRule(const YAML::Node& node, const std::string& group) {
    Rule rule{.line = LineOf(node)};
    std::string record, alert;
    int of_alerts = 0;
    const auto of_alert = [&](Key key) {
      return Key{key.name, [read = std::move(key.read), &of_alerts](const YAML::Node& value) {
                   ++of_alerts;
                   read(value);
                 }};
    };
    const size_t before = file_.problems.size();
    ReadMap(node, "a rule",
            {TextKey("record", record), TextKey("alert", alert), TextKey("expr", rule.expr),
             LabelsKey("labels", rule.labels),
             of_alert(DurationKey("for", rule.hold, absl::ZeroDuration())),
             of_alert(DurationKey("keep_firing_for", rule.keep_firing_for, absl::ZeroDuration())),
             of_alert(AnnotationsKey(rule.annotations))});
    rule.kind = alert.empty() ? Rule::Kind::kRecording : Rule::Kind::kAlerting;
    rule.name = alert.empty() ? record : alert;
    if (file_.problems.size() == before) CheckRule(node, record, alert, of_alerts > 0, group, rule);
    return rule;
  }

  void CheckRule(const YAML::Node& node, const std::string& record, const std::string& alert,
                 bool has_alert_keys, const std::string& group, const Rule& rule) {
    if (!record.empty() && !alert.empty()) {
      return Complain(node, "only one of 'record' and 'alert' must be set");
    }
    if (record.empty() && alert.empty()) {
      return Complain(node, "one of 'record' or 'alert' must be set");
    }
    const std::string where = fmt::format("group \"{}\", rule \"{}\": ", group, rule.name);
    if (!record.empty() && has_alert_keys) {
      Complain(node, where + "'for', 'keep_firing_for' and 'annotations' are of alerting rules");
    }
    if (!record.empty() && !IsMetricName(record)) {
      Complain(node, where + "invalid recording rule name");
    }
    if (rule.expr.empty()) return Complain(node, where + "field 'expr' must be set");
    const auto parsed = promql::parse::Parse(rule.expr);
    if (!parsed.ok()) {
      Complain(node["expr"], where + "could not parse expression: " + StatusMessageOf(parsed));
    }
  }

  // Any UTF-8 but what could be taken for a selector by mistake.
  static bool IsMetricName(const std::string& name) {
    return IsValidLabelName(name) && name.find_first_of("{}") == std::string::npos;
  }
  template <typename T>
  static std::string StatusMessageOf(const absl::StatusOr<T>& status) {
    return std::string(StatusMessage(status.status()));
  }

  RuleFile& file_;
  StringMap<int> names_;  // of groups, and where they are
  bool merges_too_deep_ = false;
};

}  // namespace

RuleFile ParseRules(const std::string& text) {
  RuleFile file;
  const auto root = config::LoadYaml(text, file.problems);
  if (root) FileReader(file).Read(*root);
  if (!file.problems.empty()) file.groups.clear();
  return file;
}

RuleFile ReadRules(const std::string& path) {
  const auto text = ReadFile(path, kMaxRuleFileBytes);
  if (!text.ok()) {
    std::string_view what = StatusMessage(text.status());
    if (what.starts_with(path + ": ")) what.remove_prefix(path.size() + 2);
    return {.problems = {{0, std::string(what)}}};
  }
  if (!text->has_value()) return {.problems = {{0, "is not there"}}};
  return ParseRules(**text);
}

std::string Text(const std::string& path, const config::Problem& problem) {
  if (problem.line == 0) return fmt::format("{}: {}", path, problem.what);
  return fmt::format("{}:{}: {}", path, problem.line, problem.what);
}

}  // namespace leadline::collector::rules
