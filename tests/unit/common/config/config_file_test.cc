#include "common/config/config_file.h"

#include <cstdio>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Texts(const std::vector<Problem>& problems) {
  std::vector<std::string> texts;
  texts.reserve(problems.size());
  for (const Problem& problem : problems) {
    texts.push_back(fmt::format("{}: {}", problem.line, problem.what));
  }
  return texts;
}

TEST(ConfigFile, HasKeysWithTheirLinesAndValues) {
  const ConfigFile file = ParseConfig(
      "# a comment\n"
      "http: 127.0.0.1:7072\n"
      "\n"
      "name: \"with: colon\"  # and why\n"
      "list:\n"
      "  - a\n"
      "  - 2\n"
      "none:\n"
      "empty: \"\"\n"
      "truth: true\n");
  EXPECT_THAT(file.problems, IsEmpty());
  ASSERT_EQ(file.entries.size(), 6U);
  EXPECT_EQ(file.entries[0].key, "http");
  EXPECT_EQ(file.entries[0].line, 2);
  EXPECT_EQ(file.entries[0].kind, Kind::kValue);
  EXPECT_THAT(file.entries[0].values, ElementsAre("127.0.0.1:7072"));
  EXPECT_THAT(file.entries[1].values, ElementsAre("with: colon"));
  EXPECT_EQ(file.entries[2].line, 5);
  EXPECT_EQ(file.entries[2].kind, Kind::kList);
  EXPECT_THAT(file.entries[2].values, ElementsAre("a", "2"));
  EXPECT_EQ(file.entries[3].kind, Kind::kNothing);
  EXPECT_EQ(file.entries[4].kind, Kind::kValue);
  EXPECT_THAT(file.entries[4].values, ElementsAre(""));
  EXPECT_THAT(file.entries[5].values, ElementsAre("true"));
}

TEST(ConfigFile, MayBeEmpty) {
  for (const char* text : {"", "\n", "# nothing\n", "---\n", "{}"}) {
    const ConfigFile file = ParseConfig(text);
    EXPECT_THAT(file.entries, IsEmpty()) << text;
    EXPECT_THAT(file.problems, IsEmpty()) << text;
  }
}

struct Bad {
  const char* name;
  std::string text;
  std::vector<std::string> problems;
};

class ConfigFileBadTest : public testing::TestWithParam<Bad> {};

TEST_P(ConfigFileBadTest, EveryProblemHasItsLine) {
  EXPECT_EQ(Texts(ParseConfig(GetParam().text).problems), GetParam().problems);
}

INSTANTIATE_TEST_SUITE_P(
    All, ConfigFileBadTest,
    testing::Values(
        Bad{"Duplicate",
            "a: 1\nb: 2\na: 3\n\na: 4\n",
            {"3: a: is here a second time, after line 1",
             "5: a: is here a second time, after line 1"}},
        Bad{"Map",
            "a: 1\ntls:\n  cert: x\nb: {c: d}\n",
            {"2: tls: is a map, where a value is wanted",
             "4: b: is a map, where a value is wanted"}},
        Bad{"NestedList", "a:\n  - 1\n  - [2]\n", {"3: a: item 2 of the list is not a value"}},
        Bad{"Tabs",
            "a: 1\nb:\n\t- x\n  \t- y\nc: \"in\tside\"\n",
            {"3: is indented by a tab, which YAML does not allow: use blanks",
             "4: is indented by a tab, which YAML does not allow: use blanks"}},
        Bad{"List", "- a\n- b\n", {"1: is not a map of keys to values, as in \"interval: 10s\""}},
        Bad{"Text", "\nhello\n", {"2: is not a map of keys to values, as in \"interval: 10s\""}},
        Bad{"Syntax", "a: 1\nb: \"open\n", {"2: illegal EOF in scalar"}},
        Bad{"Bracket", "a: [1, 2\nb: 3\n", {"2: end of sequence flow not found"}},
        Bad{"Alias", "a: *nobody\n", {"1: the referenced anchor is not defined"}},
        Bad{"TwoDocuments",
            "a: 1\n---\nb: 2\n",
            {"2: a second document begins, where one is wanted"}},
        Bad{"KeyIsAList", "? [x]\n: 1\n", {"1: a key is not a text"}},
        Bad{"Bytes", "a: \xff\n", {"0: is not a text in UTF-8"}},
        Bad{"Nul", std::string("a: 1\0b", 6), {"0: is not a text in UTF-8"}}),
    [](const auto& test) { return test.param.name; });

TEST(ConfigFile, DeepNestingIsRefused) {
  const ConfigFile file = ParseConfig("a: " + std::string(100'000, '['));
  EXPECT_THAT(file.entries, IsEmpty());
  EXPECT_THAT(Texts(file.problems), ElementsAre("1: is nested too deeply"));
}

TEST(ConfigFile, WhatCannotBeReadIsSaid) {
  EXPECT_THAT(Texts(ReadConfig("/nowhere/agent.yaml").problems), ElementsAre("0: is not there"));
  EXPECT_THAT(Texts(ReadConfig("/").problems), ElementsAre("0: Is a directory"));
  const std::string path = testing::TempDir() + "leadline_config_file_test.yaml";
  std::ofstream(path) << "a: " << std::string(kMaxConfigBytes, 'x');
  EXPECT_THAT(Texts(ReadConfig(path).problems), ElementsAre(HasSubstr("is longer than")));
  std::ofstream(path) << "a: b\n";
  EXPECT_THAT(ReadConfig(path).entries, testing::SizeIs(1));
  std::remove(path.c_str());
}

}  // namespace
}  // namespace leadline::config
