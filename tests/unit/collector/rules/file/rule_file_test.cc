#include "collector/rules/file/rule_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(RuleFile, HasGroupsAndTheirRules) {
  const RuleFile file = ParseRules(R"(groups:
- name: one
  interval: 30s
  query_offset: 2m
  limit: 10
  labels: {team: core}
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels:
      kind: sum
      job:
  - alert: Down
    expr: up == 0
    for: 5m
    keep_firing_for: 1h
    labels: {severity: page}
    annotations: {summary: "it is down"}
- name: two
)");
  ASSERT_THAT(file.problems, IsEmpty());
  ASSERT_EQ(file.groups.size(), 2U);
  const Group& one = file.groups[0];
  EXPECT_EQ(one.name, "one");
  EXPECT_EQ(one.line, 2);
  EXPECT_EQ(one.interval, absl::Seconds(30));
  EXPECT_EQ(one.query_offset, absl::Minutes(2));
  EXPECT_EQ(one.limit, 10U);
  EXPECT_EQ(one.labels, (std::vector<Label>{{"team", "core"}}));
  ASSERT_EQ(one.rules.size(), 2U);
  EXPECT_EQ(one.rules[0].kind, Rule::Kind::kRecording);
  EXPECT_EQ(one.rules[0].name, "job:up:sum");
  EXPECT_EQ(one.rules[0].expr, "sum by (job) (up)");
  EXPECT_EQ(one.rules[0].labels, (std::vector<Label>{{"job", ""}, {"kind", "sum"}}));
  EXPECT_EQ(one.rules[0].line, 8);
  EXPECT_EQ(one.rules[1].kind, Rule::Kind::kAlerting);
  EXPECT_EQ(one.rules[1].name, "Down");
  EXPECT_EQ(one.rules[1].hold, absl::Minutes(5));
  EXPECT_EQ(one.rules[1].keep_firing_for, absl::Hours(1));
  EXPECT_EQ(one.rules[1].annotations, LabelSet({{"summary", "it is down"}}));
  EXPECT_THAT(file.groups[1].rules, IsEmpty());
  EXPECT_EQ(file.groups[1].interval, std::nullopt);
}

TEST(RuleFile, TakesKeysOverFromOtherMaps) {
  const RuleFile file = ParseRules(R"(groups:
- name: one
  rules:
  - &first
    record: a
    expr: up
    labels: &labels {team: core, tier: one}
  - <<: *first
    record: b
  - record: c
    <<: [{expr: down}, *first]
    labels:
      <<: *labels
      tier: two
)");
  ASSERT_THAT(file.problems, IsEmpty());
  const std::vector<Rule>& rules = file.groups.at(0).rules;
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_EQ(rules[1].name, "b");
  EXPECT_EQ(rules[1].expr, "up");
  EXPECT_EQ(rules[1].labels, (std::vector<Label>{{"team", "core"}, {"tier", "one"}}));
  EXPECT_EQ(rules[2].name, "c");
  EXPECT_EQ(rules[2].expr, "down");
  EXPECT_EQ(rules[2].labels, (std::vector<Label>{{"team", "core"}, {"tier", "two"}}));
}

TEST(RuleFile, MayBeEmpty) {
  for (const char* text : {"", "# nothing\n", "groups:\n", "groups: []\n", "{}"}) {
    const RuleFile file = ParseRules(text);
    EXPECT_THAT(file.groups, IsEmpty()) << text;
    EXPECT_THAT(file.problems, IsEmpty()) << text;
  }
}

struct Wrong {
  const char* name;
  const char* text;
  const char* problem;  // with its line, as FILE:LINE: what begins
};

class WrongRuleFile : public testing::TestWithParam<Wrong> {};

TEST_P(WrongRuleFile, SaysWhatAndWhere) {
  const RuleFile file = ParseRules(GetParam().text);
  ASSERT_EQ(file.problems.size(), 1U);
  EXPECT_THAT(Text("f", file.problems[0]), StartsWith(GetParam().problem));
  EXPECT_THAT(file.groups, IsEmpty());
}

constexpr Wrong kWrong[] = {
    {"NoMap", "- a\n", "f:1: the file is not a map"},
    {"UnknownKey", "groups: []\nrules: []\n", "f:2: the file has no key \"rules\""},
    {"UnknownKeyOfAGroup", "groups:\n- name: a\n  every: 1m\n",
     "f:3: a group has no key \"every\""},
    {"UnknownKeyOfARule", "groups:\n- name: a\n  rules:\n  - record: r\n    expr: up\n    if: x\n",
     "f:6: a rule has no key \"if\""},
    {"KeyTwice", "groups:\n- name: a\n  name: b\n",
     "f:3: name is here a second time, after line 2"},
    {"MergeOfNoMap", "groups:\n- name: a\n  <<: 1\n",
     "f:3: \"<<\" of a group is neither a map nor"},
    {"MergeOfItself", "groups:\n- &a\n  name: a\n  <<: [*a, *a]\n",
     "f:2: \"<<\" of a group is more"},
    {"GroupsNoList", "groups: {a: b}\n", "f:1: groups is not a list"},
    {"RulesNoList", "groups:\n- name: a\n  rules: 1\n", "f:3: rules is not a list"},
    {"NoName", "groups:\n- interval: 1m\n", "f:2: groupname must not be empty"},
    {"SameName", "groups:\n- name: a\n- name: a\n", "f:3: groupname \"a\" is repeated"},
    {"Interval", "groups:\n- name: a\n  interval: soon\n", "f:3: interval: "},
    {"NoInterval", "groups:\n- name: a\n  interval: 0s\n", "f:3: interval is not above 0"},
    {"Limit", "groups:\n- name: a\n  limit: -1\n", "f:3: limit is not a number of series: \"-1\""},
    {"NeitherRecordNorAlert", "groups:\n- name: a\n  rules:\n  - expr: up\n",
     "f:4: one of 'record' or 'alert' must be set"},
    {"RecordAndAlert", "groups:\n- name: a\n  rules:\n  - {record: r, alert: b, expr: up}\n",
     "f:4: only one of 'record' and 'alert' must be set"},
    {"NoExpr", "groups:\n- name: a\n  rules:\n  - record: r\n",
     "f:4: group \"a\", rule \"r\": field 'expr' must be set"},
    {"BadExpr", "groups:\n- name: a\n  rules:\n  - record: r\n    expr: sum(\n",
     "f:5: group \"a\", rule \"r\": could not parse expression: 1:5: parse error"},
    {"BadRecord", "groups:\n- name: a\n  rules:\n  - {record: 'r{', expr: up}\n",
     "f:4: group \"a\", rule \"r{\": invalid recording rule name"},
    {"ForOfRecord", "groups:\n- name: a\n  rules:\n  - {record: r, expr: up, for: 5m}\n",
     "f:4: group \"a\", rule \"r\": 'for', 'keep_firing_for' and 'annotations' are of alerting"},
    {"NameAsLabel",
     "groups:\n- name: a\n  rules:\n  - record: r\n    expr: up\n    labels: {__name__: x}\n",
     "f:6: labels: invalid label name \"__name__\""},
    {"LabelsNoMap", "groups:\n- name: a\n  labels: [x]\n", "f:3: labels is not a map"},
    {"Tab", "groups:\n\t- name: a\n", "f:2: is indented by a tab"},
    {"NoYaml", "groups: [\n", "f:"},
    {"TwoDocuments", "groups: []\n---\ngroups: []\n", "f:2: a second document begins"},
    {"NoUtf8", "groups: \"\xff\"\n", "f: is not a text in UTF-8"},
};

INSTANTIATE_TEST_SUITE_P(All, WrongRuleFile, testing::ValuesIn(kWrong),
                         [](const auto& row) { return row.param.name; });

TEST(RuleFile, TellsEveryProblemAtOnce) {
  const RuleFile file = ParseRules(R"(groups:
- name: a
  limit: x
  rules:
  - record: r
    expr: sum(
  - record: s
)");
  std::vector<int> lines;
  for (const config::Problem& problem : file.problems) lines.push_back(problem.line);
  EXPECT_THAT(lines, ElementsAre(3, 6, 7));
}

TEST(RuleFile, SaysThatItIsNotThere) {
  const RuleFile file = ReadRules("/nowhere/rules.yaml");
  ASSERT_EQ(file.problems.size(), 1U);
  EXPECT_EQ(Text("rules.yaml", file.problems[0]), "rules.yaml: is not there");
}

}  // namespace
}  // namespace leadline::collector::rules
