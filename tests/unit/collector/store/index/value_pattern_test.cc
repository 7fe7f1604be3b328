#include "collector/store/index/value_pattern.h"

#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include "collector/store/index/matchers.h"

namespace leadline::collector::store::index {
namespace {

using Rest = ValueAlternative::Rest;

std::string Told(std::string_view expression) {
  static const char* const kRests[] = {"", "*", "+", "?"};
  std::string text;
  for (const ValueAlternative& one : AlternativesOf(expression)) {
    text += (text.empty() ? "" : " ") + ("\"" + one.text + "\"") +
            kRests[static_cast<size_t>(one.rest)];
  }
  return text;
}

struct PatternCase {
  const char* expression;
  const char* told;
};

class ValuePattern : public testing::TestWithParam<PatternCase> {};

TEST_P(ValuePattern, IsTold) { EXPECT_EQ(Told(GetParam().expression), GetParam().told); }

INSTANTIATE_TEST_SUITE_P(
    Table, ValuePattern,
    testing::Values(PatternCase{"a", R"("a")"}, PatternCase{"", R"("")"},
                    PatternCase{"c|a|b|a", R"("a" "b" "c")"},
                    PatternCase{"foo-(a|b)", R"("foo-a" "foo-b")"},
                    PatternCase{"(?:x|y)(1|2)z", R"("x1z" "x2z" "y1z" "y2z")"},
                    PatternCase{"a|", R"("" "a")"}, PatternCase{"colou?r", R"("color" "colour")"},
                    PatternCase{"5[0-2x]", R"("50" "51" "52" "5x")"},
                    PatternCase{R"(10\.0\.0\.1:80)", R"("10.0.0.1:80")"},
                    PatternCase{"prefix.*", R"("prefix"*)"}, PatternCase{".+", R"(""+)"},
                    PatternCase{".*", R"(""*)"}, PatternCase{"a.*?|b.+", R"("a"* "b"+)"},
                    PatternCase{"a.*b", R"("a"?)"}, PatternCase{"ab*|c", R"("a"? "c")"},
                    PatternCase{"a(b|[^c]d)e|f", R"("a"? "abe" "f")"},
                    PatternCase{R"(v\d+|w[[:alpha:])|]x)", R"("v"? "w"?)"},
                    PatternCase{"(?i)abc", R"(""?)"}, PatternCase{R"(\Qa|b\E)", R"(""?)"},
                    PatternCase{"a|.b", R"(""?)"}, PatternCase{"x{2}", R"(""?)"},
                    PatternCase{"ax{2}", R"("a"?)"}, PatternCase{"é?", R"("" "é")"},
                    PatternCase{"^a$", R"(""?)"}, PatternCase{"(a.*|b)c", R"("a"? "bc")"},
                    PatternCase{"()", R"("")"}));

TEST(ValuePatternLimits, TooManyAlternativesBecomeAPrefix) {
  EXPECT_EQ(Told("p[0-9][0-9][0-9]").size(), std::string("\"p000\" ").size() * 1000 - 1);
  const std::vector<ValueAlternative> many = AlternativesOf("p[0-9][0-9][0-9][0-9]");
  ASSERT_EQ(many.size(), 1000u);
  EXPECT_EQ(many.front(), (ValueAlternative{"p000", Rest::kUnknown}));
  std::string deep = "x";
  for (int i = 0; i < 100; ++i) deep = "(" + deep + ")";
  EXPECT_EQ(Told(deep), R"(""?)");
}

// Expressions that a grammar makes, and some that it does not, against RE2 on every value.
class RandomExpression {
 public:
  explicit RandomExpression(uint32_t seed) : random_(seed) {}

  std::string Make(int depth = 0) {
    std::string text = Branch(depth);
    for (size_t more = Below(3); more > 0; --more) text += "|" + Branch(depth);
    return text;
  }

  std::string Value() {
    static const char* const kParts[] = {"a",    "b", "-", "ab", "1",  "é",
                                         "\xff", ".", "|", "A",  "\n", ""};
    std::string text;
    for (size_t parts = Below(5); parts > 0; --parts) text += kParts[Below(std::size(kParts))];
    return text;
  }

 private:
  size_t Below(size_t bound) { return random_() % bound; }

  std::string Branch(int depth) {
    std::string text;
    for (size_t atoms = Below(4); atoms > 0; --atoms) {
      text += Atom(depth);
      static const char* const kRepeats[] = {"", "", "", "", "?", "*", "+", "*?", "{1,2}", "??"};
      text += kRepeats[Below(std::size(kRepeats))];
    }
    return text;
  }

  std::string Atom(int depth) {
    static const char* const kAtoms[] = {
        "a",    "b",     "-",      "1",    "é",           "\\.",  "\\|",  ".",   "[ab]", "[a-b1]",
        "[^a]", "[]|a]", "[a\\]]", "\\d",  "\\w",         "\\pL", "^",    "$",   "(?i)", "(?s:.)",
        "\\Qa", "\\x61", "[-a]",   "[a-]", "[[:alpha:]]", "\\C",  "(?:)", "\\b", "[é]",  "\\n"};
    if (depth < 3 && Below(4) == 0) {
      return (Below(2) == 0 ? "(" : "(?:") + Make(depth + 1) + ")";
    }
    // Mostly plain ones.
    return Below(3) == 0 ? kAtoms[Below(std::size(kAtoms))] : kAtoms[Below(10)];
  }

  std::mt19937 random_;
};

TEST(ValuePatternProperty, MatchersDoAsPlainRe2Does) {
  RandomExpression random(17);
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  size_t compiled = 0;
  size_t matched = 0;
  size_t looked_up = 0;
  for (int round = 0; round < 10'000; ++round) {
    const std::string expression = random.Make();
    const re2::RE2 plain(expression, options);
    const auto matcher = CompiledMatcher::Compile({Matcher::Op::kRegex, "x", expression});
    const auto negative = CompiledMatcher::Compile({Matcher::Op::kNotRegex, "x", expression});
    ASSERT_EQ(matcher.ok(), plain.ok()) << expression;
    if (!plain.ok()) continue;
    ++compiled;
    looked_up += AlternativesOf(expression).front() != ValueAlternative{"", Rest::kUnknown};
    std::vector<std::string> values;
    for (int i = 0; i < 20; ++i) values.push_back(random.Value());
    for (const ValueAlternative& one : matcher->alternatives()) values.push_back(one.text + "a");
    for (const ValueAlternative& one : matcher->alternatives()) values.push_back(one.text);
    for (const std::string& value : values) {
      const bool matches = re2::RE2::FullMatch(value, plain);
      matched += matches;
      ASSERT_EQ(matcher->Matches(value), matches) << expression << " on \"" << value << '"';
      ASSERT_EQ(negative->Matches(value), !matches) << expression << " on \"" << value << '"';
      // It is found where it is looked for.
      const bool reached = std::any_of(
          matcher->alternatives().begin(), matcher->alternatives().end(), [&](const auto& one) {
            return one.rest == Rest::kNothing ? value == one.text : value.starts_with(one.text);
          });
      ASSERT_TRUE(reached || !matches) << expression << " on \"" << value << '"';
    }
  }
  EXPECT_GT(compiled, 3'000u);
  EXPECT_GT(looked_up, 1'000u);
  EXPECT_GT(matched, 5'000u);
}

}  // namespace
}  // namespace leadline::collector::store::index
