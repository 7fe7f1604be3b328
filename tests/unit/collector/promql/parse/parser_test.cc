#include "collector/promql/parse/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/collector/promql/parse/dump.h"

namespace leadline::collector::promql::parse {
namespace {

using ::testing::HasSubstr;

struct GoodCase {
  const char* query;
  const char* tree;
};

class ParserGoodTest : public testing::TestWithParam<GoodCase> {};

TEST_P(ParserGoodTest, GivesTheTree) {
  const auto expr = Parse(GetParam().query);
  ASSERT_TRUE(expr.ok()) << GetParam().query << ": " << expr.status();
  EXPECT_EQ(Dump(**expr), GetParam().tree) << GetParam().query;
}

INSTANTIATE_TEST_SUITE_P(
    Literals, ParserGoodTest,
    testing::Values(GoodCase{"1", "1"}, GoodCase{"+Inf", "inf"}, GoodCase{"-inf", "-inf"},
                    GoodCase{"NaN", "nan"}, GoodCase{".5", "0.5"}, GoodCase{"5.", "5"},
                    GoodCase{"1e+3", "1000"}, GoodCase{"0xff", "255"}, GoodCase{"08", "8"},
                    GoodCase{"0755", "493"}, GoodCase{"1_0.2_5", "10.25"}, GoodCase{"1m30s", "90"},
                    GoodCase{"2w", "1209600"}, GoodCase{"1e-400", "0"},
                    GoodCase{R"("a\n\"\x41\101\u00fc\U0001F600")", "'a\n\"AAü😀'"},
                    GoodCase{R"('it\'s')", "'it's'"}, GoodCase{R"(`a\n`)", R"('a\n')"},
                    GoodCase{"1 # a comment\n + # another\n 2", "(+ 1 2)"}));

INSTANTIATE_TEST_SUITE_P(
    Selectors, ParserGoodTest,
    testing::Values(
        GoodCase{"up", "{__name__='up'}"}, GoodCase{"a:b:c", "{__name__='a:b:c'}"},
        GoodCase{":a", "{__name__=':a'}"}, GoodCase{"up{}", "{__name__='up'}"},
        GoodCase{R"(up{a="1",b!='2',c=~`3.*`,d!~"4",})",
                 "{a='1' b!='2' c=~'3.*' d!~'4' __name__='up'}"},
        GoodCase{R"({"my.metric", "a b"="c"})", "{__name__='my.metric' a b='c'}"},
        GoodCase{R"({__name__=~"a|b"})", "{__name__=~'a|b'}"},
        GoodCase{R"({"a", __name__="b", 'c'})", "{__name__='a' __name__='b' __name__='c'}"},
        // Keywords are names where only a name can be.
        GoodCase{R"(sum{by="x", offset="y"})", "{by='x' offset='y' __name__='sum'}"},
        GoodCase{"start + end", "(+ {__name__='start'} {__name__='end'})"},
        GoodCase{"offset", "{__name__='offset'}"}, GoodCase{"rate", "{__name__='rate'}"},
        GoodCase{"x[5m]", "{__name__='x'}[300000]"}, GoodCase{"x[300]", "{__name__='x'}[300000]"},
        GoodCase{"x[1.5]", "{__name__='x'}[1500]"},
        GoodCase{"x offset 5m", "{__name__='x'} offset=300000"},
        GoodCase{"x offset -5m", "{__name__='x'} offset=-300000"},
        GoodCase{"x offset 0s", "{__name__='x'} offset=0"},
        GoodCase{"x[5m] OFFSET 1h", "{__name__='x'} offset=3600000[300000]"},
        GoodCase{"x @ 1.5", "{__name__='x'} @1500"}, GoodCase{"x @ -10", "{__name__='x'} @-10000"},
        GoodCase{"x @ start()", "{__name__='x'} @start"},
        GoodCase{"x[5m] @ end() offset 1s", "{__name__='x'} @end offset=1000[300000]"},
        GoodCase{"x offset 1s @ 3", "{__name__='x'} @3000 offset=1000"},
        GoodCase{"x @ 9e15", "{__name__='x'} @8640000000000000"},
        GoodCase{"x[1h:5m]", "{__name__='x'}[3600000:300000]"},
        GoodCase{"sum(x)[1h:] offset 1m", "(sum {__name__='x'})[3600000:0] offset=60000"}));

INSTANTIATE_TEST_SUITE_P(
    Operators, ParserGoodTest,
    testing::Values(GoodCase{"1 + 2 * 3", "(+ 1 (* 2 3))"}, GoodCase{"1 - 2 - 3", "(- (- 1 2) 3)"},
                    GoodCase{"2 ^ 3 ^ 4", "(^ 2 (^ 3 4))"}, GoodCase{"-2 ^ 3", "(neg (^ 2 3))"},
                    GoodCase{"-x * 2", "(* (neg {__name__='x'}) 2)"},
                    GoodCase{"2 ^ -x * 3", "(* (^ 2 (neg {__name__='x'})) 3)"},
                    GoodCase{"-(1)", "(neg (paren 1))"}, GoodCase{"- -1", "1"},
                    GoodCase{"+x", "(pos {__name__='x'})"},
                    GoodCase{"-x offset 1s", "(neg {__name__='x'} offset=1000)"},
                    GoodCase{"1 atan2 2 % 3", "(% (atan2 1 2) 3)"},
                    GoodCase{"a or b and c unless d == e",
                             "(or {__name__='a'} (unless (and {__name__='b'} "
                             "{__name__='c'}) (== {__name__='d'} {__name__='e'})))"},
                    GoodCase{"1 < bool 2", "(< bool 1 2)"},
                    GoodCase{"a > BOOL 2", "(> bool {__name__='a'} 2)"},
                    GoodCase{"a * on(x, y) group_left(z,) b",
                             "(* on[x,y] left[z] {__name__='a'} {__name__='b'})"},
                    GoodCase{"a / ignoring(x) group_right b",
                             "(/ ignoring[x] right[] {__name__='a'} {__name__='b'})"},
                    GoodCase{"a + on() 1", "(+ {__name__='a'} 1)"},
                    GoodCase{"sum by (a:b) (c)", "(sum by[a:b] {__name__='c'})"},
                    GoodCase{"a and on() b", "(and on[] {__name__='a'} {__name__='b'})"}));

INSTANTIATE_TEST_SUITE_P(
    Calls, ParserGoodTest,
    testing::Values(GoodCase{"sum(x)", "(sum {__name__='x'})"},
                    GoodCase{"Sum By (a, \"b c\", by,) (x)", "(sum by[a,b c,by] {__name__='x'})"},
                    GoodCase{"sum(x) without (a)", "(sum without[a] {__name__='x'})"},
                    GoodCase{"sum without () (x)", "(sum without[] {__name__='x'})"},
                    GoodCase{"topk by (a) (3, x)", "(topk by[a] 3 {__name__='x'})"},
                    GoodCase{"count_values('v', x)", "(count_values 'v' {__name__='x'})"},
                    GoodCase{"rate(x[5m])", "(rate {__name__='x'}[300000])"},
                    GoodCase{"rate((x[5m]))", "(rate (paren {__name__='x'}[300000]))"},
                    GoodCase{"time()", "(time)"}, GoodCase{"round(x)", "(round {__name__='x'})"},
                    GoodCase{"round(x, 5)", "(round {__name__='x'} 5)"},
                    GoodCase{"label_join(x, 'a', ',', 'b', 'c')",
                             "(label_join {__name__='x'} 'a' ',' 'b' 'c')"},
                    GoodCase{"label_join(x, 'a', ',')", "(label_join {__name__='x'} 'a' ',')"},
                    GoodCase{"quantile_over_time(0.9, x[1m:])",
                             "(quantile_over_time 0.9 {__name__='x'}[60000:0])"}));

struct BadCase {
  const char* query;
  const char* error;
};

class ParserBadTest : public testing::TestWithParam<BadCase> {};

TEST_P(ParserBadTest, SaysWhatAndWhere) {
  const auto expr = Parse(GetParam().query);
  ASSERT_FALSE(expr.ok()) << GetParam().query << " is " << Dump(**expr);
  EXPECT_EQ(expr.status().message(), GetParam().error) << GetParam().query;
}

INSTANTIATE_TEST_SUITE_P(
    Syntax, ParserBadTest,
    testing::Values(
        BadCase{"", "unknown position: parse error: no expression found in input"},
        BadCase{" # only a comment", "1:1: parse error: no expression found in input"},
        BadCase{"1 +", "1:4: parse error: unexpected end of input"},
        BadCase{"1\n+\n  *", "3:3: parse error: unexpected <op:*>"},
        BadCase{"(1", "1:3: parse error: unclosed left parenthesis"},
        BadCase{"sum(x ", "1:7: parse error: unclosed left parenthesis"},
        BadCase{"sum(", "1:5: parse error: unclosed left parenthesis"},
        BadCase{"1)", "1:3: parse error: unexpected right parenthesis ')'"},
        BadCase{")", "1:2: parse error: unexpected right parenthesis ')'"},
        BadCase{"(1 2)", "1:4: parse error: unexpected number \"2\""},
        BadCase{"time(1 2)", "1:8: parse error: unexpected number \"2\""},
        BadCase{"a]", "1:2: parse error: unexpected right bracket ']'"},
        BadCase{"a}", "1:2: parse error: unexpected character: '}'"},
        BadCase{"a b", "1:3: parse error: unexpected identifier \"b\""},
        BadCase{"a b:c", "1:3: parse error: unexpected metric identifier \"b:c\""},
        BadCase{"a 1", "1:3: parse error: unexpected number \"1\""},
        BadCase{"a 12345678901", "1:3: parse error: unexpected number \"1234567890\"..."},
        BadCase{"a 'b'", "1:3: parse error: unexpected string \"'b'\""},
        BadCase{"@", "1:1: parse error: unexpected <op:@>"},
        BadCase{"a sum", "1:3: parse error: unexpected <aggr:sum>"},
        BadCase{"a by (x)", "1:3: parse error: unexpected <by>"},
        BadCase{"a $ b", "1:3: parse error: unexpected character: '$'"},
        BadCase{"a ü", "1:3: parse error: unexpected character: 'ü'"},
        BadCase{"a \\", R"(1:3: parse error: unexpected character: '\\')"},
        BadCase{"a \x01", R"(1:3: parse error: unexpected character: '\x01')"},
        BadCase{"a \x7f", R"(1:3: parse error: unexpected character: '\x7f')"},
        BadCase{"a \b", R"(1:3: parse error: unexpected character: '\b')"},
        BadCase{"a = b", "1:3: parse error: unexpected \"=\""},
        BadCase{"a =~ b", "1:3: parse error: unexpected character after '=': '~'"},
        BadCase{"a !b", "1:3: parse error: unexpected character after '!': 'b'"},
        BadCase{"1mm", "1:1: parse error: bad number or duration syntax: \"1mm\""},
        BadCase{"0x",
                "1:1: parse error: error parsing number: strconv.ParseFloat: parsing "
                "\"0x\": invalid syntax"},
        BadCase{"1s1m", "1:1: parse error: not a valid duration string: \"1s1m\""},
        BadCase{"1hs", "1:1: parse error: unknown unit \"hs\" in duration \"1hs\""},
        BadCase{"400y", "1:1: parse error: duration out of range"},
        BadCase{"1.2.3", "1:1: parse error: bad number or duration syntax: \"1.2.\""},
        BadCase{"1e400",
                "1:1: parse error: error parsing number: strconv.ParseFloat: parsing "
                "\"1e400\": value out of range"},
        BadCase{"'a", "1:1: parse error: unterminated quoted string"},
        BadCase{"'a\n'", "1:1: parse error: unterminated quoted string"},
        BadCase{"'a\\", "1:1: parse error: escape sequence not terminated"},
        BadCase{"'\\x4", "1:1: parse error: escape sequence not terminated"},
        BadCase{"`a", "1:1: parse error: unterminated raw string"},
        BadCase{R"("\q")", "1:1: parse error: unknown escape sequence U+0071 'q'"},
        BadCase{R"("\ü")", "1:1: parse error: unknown escape sequence U+00FC 'ü'"},
        BadCase{R"("\'")", "1:1: parse error: unknown escape sequence U+0027 '''"},
        BadCase{R"("\x4g")", "1:1: parse error: illegal character U+0067 'g' in escape sequence"},
        BadCase{R"("\ud800")",
                "1:1: parse error: escape sequence is an invalid Unicode code point"},
        BadCase{"\xff", "1:1: parse error: unexpected character: '\uFFFD'"},
        BadCase{"1 + 'a\xff'", "1:5: parse error: invalid UTF-8 rune"},
        BadCase{"1 # \xff", "1:1: parse error: invalid UTF-8 rune"}));

INSTANTIATE_TEST_SUITE_P(
    Selectors, ParserBadTest,
    testing::Values(
        BadCase{"{}",
                "1:1: parse error: vector selector must contain at least one non-empty matcher"},
        BadCase{"1 + {a=~'.*'}",
                "1:5: parse error: vector selector must contain at least one non-empty matcher"},
        BadCase{"{a!='x'}",
                "1:1: parse error: vector selector must contain at least one non-empty matcher"},
        BadCase{"x{", "1:3: parse error: unexpected end of input inside braces"},
        BadCase{"x{a}",
                "1:4: parse error: unexpected \"}\" in label matching, expected label "
                "matching operator"},
        BadCase{"x{a=1}", "1:5: parse error: unexpected character inside braces: '1'"},
        BadCase{"x{a==1}", "1:5: parse error: unexpected \"=\" in label matching, expected string"},
        BadCase{"x{a!1}", "1:4: parse error: unexpected character after '!' inside braces: '1'"},
        BadCase{"x{a={}", "1:5: parse error: unexpected left brace '{'"},
        BadCase{"x{a='1' b='2'}",
                "1:9: parse error: unexpected identifier \"b\" in label "
                "matching, expected \",\" or \"}\""},
        BadCase{"x{a:b='1'}", "1:4: parse error: unexpected character inside braces: ':'"},
        BadCase{"x{,}",
                "1:3: parse error: unexpected \",\" in label matching, expected "
                "identifier or \"}\""},
        BadCase{"x{a=~'('}", "1:3: parse error: error parsing regexp: missing closing ): `(`"},
        BadCase{"x{b='', a!~'*'}",
                "1:9: parse error: error parsing regexp: missing argument to repetition "
                "operator: `*`"},
        BadCase{"x{__name__='y'}",
                "1:1: parse error: metric name must not be set twice: \"x\" or "
                "\"y\""},
        BadCase{"x{'y'}",
                "1:1: parse error: metric name must not be set twice: \"x\" or "
                "\"y\""},
        BadCase{"x[]",
                "1:3: parse error: unexpected \"]\" in subquery or range selector, "
                "expected number, duration, step(), or range()"},
        BadCase{"x[0]", "1:3: parse error: duration must be greater than 0"},
        BadCase{"x[-1m]", "1:3: parse error: duration must be greater than 0"},
        BadCase{"x[1e30]", "1:3: parse error: duration out of range"},
        BadCase{"x[5m", "1:5: parse error: unclosed left bracket"},
        BadCase{"x[", "1:3: parse error: unexpected end of input in duration expression"},
        BadCase{"x[y]", "1:3: parse error: unexpected character in duration expression: 'y'"},
        BadCase{"x['1m']", "1:3: parse error: unexpected character in duration expression: '''"},
        BadCase{"x[1m y]", "1:6: parse error: unexpected character: 'y', expected ':'"},
        BadCase{"x[1m 1m]",
                "1:6: parse error: unexpected duration \"1m\" in subquery or range, expected "
                "\":\" or \"]\""},
        BadCase{"x[1m:)]", "1:7: parse error: unexpected right parenthesis ')'"},
        BadCase{"x[1m:/]",
                "1:6: parse error: unexpected <op:/> in subquery selector, expected number, "
                "duration, step(), range(), or \"]\""},
        BadCase{"x[1m[", "1:5: parse error: unexpected left bracket '['"},
        BadCase{"sum(x)[5m]", "1:7: parse error: ranges only allowed for vector selectors"},
        BadCase{"(x)[5m]", "1:4: parse error: ranges only allowed for vector selectors"},
        BadCase{"x offset 1m[5m]", "1:12: parse error: no offset modifiers allowed before range"},
        BadCase{"x @ 1[5m]", "1:6: parse error: no @ modifiers allowed before range"},
        BadCase{"x offset",
                "1:9: parse error: unexpected end of input in offset, expected number, "
                "duration, step(), or range()"},
        BadCase{"x offset 1m offset 2m", "1:1: parse error: offset may not be set multiple times"},
        BadCase{"x @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"},
        BadCase{"1 offset 1m",
                "1:1: parse error: offset modifier must be preceded by an instant "
                "vector selector or range vector selector or a subquery"},
        BadCase{"sum(x) @ 1",
                "1:1: parse error: @ modifier must be preceded by an instant vector "
                "selector or range vector selector or a subquery"},
        BadCase{"x @ inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"},
        BadCase{"x @ y",
                "1:5: parse error: unexpected identifier \"y\" in @, expected "
                "timestamp"},
        BadCase{"x @ -1e19",
                "1:1: parse error: timestamp out of bounds for @ modifier: "
                "-10000000000000000000.000000"},
        BadCase{"1[5m:]",
                "1:1: parse error: subquery is only allowed on instant vector, got "
                "scalar instead"},
        BadCase{"x[1m][5m:]",
                "1:1: parse error: subquery is only allowed on instant vector, got "
                "matrix instead"}));

INSTANTIATE_TEST_SUITE_P(
    Types, ParserBadTest,
    testing::Values(
        BadCase{"-'a'",
                "1:1: parse error: unary expression only allowed on expressions of type "
                "scalar or instant vector, got \"string\""},
        BadCase{"1 + 'a'",
                "1:5: parse error: binary expression must contain only scalar and "
                "instant vector types"},
        BadCase{"x[5m] * 2",
                "1:1: parse error: binary expression must contain only scalar and "
                "instant vector types"},
        BadCase{"1 == 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
        BadCase{"x + bool 2",
                "1:3: parse error: bool modifier can only be used on comparison "
                "operators"},
        BadCase{"x and 2",
                "1:1: parse error: set operator \"and\" not allowed in binary scalar "
                "expression"},
        BadCase{"x * on(a) 2",
                "1:1: parse error: vector matching only allowed between instant "
                "vectors"},
        BadCase{"x and on(a) group_left y",
                "1:1: parse error: no grouping allowed for \"and\" "
                "operation"},
        BadCase{"x * on(a) group_left(a) y",
                "1:3: parse error: label \"a\" must not occur in ON "
                "and GROUP clause at once"},
        BadCase{"nosuch(x)", "1:1: parse error: unknown function with name \"nosuch\""},
        BadCase{"RATE(x[1m])", "1:1: parse error: unknown function with name \"RATE\""},
        BadCase{"rate()", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 0"},
        BadCase{"round()",
                "1:1: parse error: expected at least 1 argument(s) in call to "
                "\"round\", got 0"},
        BadCase{"round(x,1,2)",
                "1:1: parse error: expected at most 2 argument(s) in call to "
                "\"round\", got 3"},
        BadCase{"1 or on(a) x",
                "1:1: parse error: vector matching only allowed between instant "
                "vectors"},
        BadCase{"rate(x[5m],)",
                "1:11: parse error: trailing commas not allowed in function call "
                "args"},
        BadCase{"label_join(x, 'a', ',', 1)",
                "1:25: parse error: expected type string in call to "
                "function \"label_join\", got scalar"},
        BadCase{"sum()", "1:1: parse error: no arguments for aggregate expression provided"},
        BadCase{"sum(1, x)",
                "1:1: parse error: wrong number of arguments for aggregate "
                "expression provided, expected 1, got 2"},
        BadCase{"topk(x)",
                "1:1: parse error: wrong number of arguments for aggregate expression "
                "provided, expected 2, got 1"},
        BadCase{"topk('a', x)",
                "1:6: parse error: expected type scalar in aggregation parameter, "
                "got string"},
        BadCase{"sum(1)",
                "1:5: parse error: expected type instant vector in aggregation "
                "expression, got scalar"},
        BadCase{"sum by x (y)",
                "1:8: parse error: unexpected identifier \"x\" in grouping opts, "
                "expected \"(\""},
        BadCase{"sum by (1) (y)",
                "1:9: parse error: unexpected number \"1\" in grouping opts, "
                "expected label"},
        BadCase{"sum by (a) y",
                "1:12: parse error: unexpected identifier \"y\" in aggregation, "
                "expected \"(\""},
        BadCase{"sum by (a) (x) by (b)", "1:16: parse error: unexpected <by>"},
        BadCase{"sum by (\"\\xff\") (x)",
                "1:9: parse error: invalid label name for grouping: \"\\xff\""},
        BadCase{"x * group_left(a) y", "1:5: parse error: unexpected <group_left>"},
        BadCase{"x * on(a) ignoring(b) y", "1:11: parse error: unexpected <ignoring>"},
        BadCase{"bool", "1:1: parse error: unexpected <bool>"},
        BadCase{"atan2(x)", "1:1: parse error: unexpected <op:atan2>"}));

std::string Repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Parser, HasLimits) {
  EXPECT_THAT(Parse(Repeat("(", 100'000)).status().message(),
              HasSubstr("nested more than 200 deep"));
  EXPECT_THAT(Parse(Repeat("-", 100'000) + "1").status().message(),
              HasSubstr("nested more than 200 deep"));
  EXPECT_THAT(Parse(Repeat("2^", 100'000) + "1").status().message(),
              HasSubstr("nested more than 200 deep"));
  EXPECT_THAT(Parse(Repeat("sum(", 60'000)).status().message(),
              HasSubstr("nested more than 200 deep"));
  EXPECT_THAT(Parse(Repeat("1+", 100'000) + "1").status().message(),
              HasSubstr("more than 1000 deep"));
  EXPECT_THAT(Parse("x" + Repeat("[1m:]", 10'000)).status().message(),
              HasSubstr("1:1: parse error: "));
  EXPECT_THAT(Parse(std::string(kMaxQueryBytes + 1, ' ')).status().message(),
              HasSubstr("longer than"));
  EXPECT_TRUE(Parse(Repeat("1+", 900) + "1").ok());
  EXPECT_TRUE(Parse(Repeat("(", 90) + "1" + Repeat(")", 90)).ok());
}

TEST(Parser, SurvivesEveryPrefixAndEveryMissingByte) {
  const std::string query =
      "topk by (a, \"b\") (3, -rate(x{a=~\"b.*\", 'c'!='\\u00fc'}[5m] offset -1h @ end())) * on(a) "
      "group_left(z) {\"m.n\"} > bool 0x1f # end\n or y[1h:5m]";
  for (size_t i = 0; i <= query.size(); ++i) {
    (void)Parse(query.substr(0, i));
    (void)Parse(query.substr(0, i) + query.substr(std::min(i + 1, query.size())));
  }
}

TEST(ParseSelector, TakesSelectorsOnly) {
  EXPECT_TRUE(ParseSelector("up{a='b'}").ok());
  for (const char* query : {"sum(up)", "up offset 1m", "up @ 1", "up[1m]", "-up", "1", "(up)"}) {
    EXPECT_FALSE(ParseSelector(query).ok()) << query;
  }
}

TEST(Functions, HaveSoundRows) {
  for (const Function& function : Functions()) {
    EXPECT_EQ(FindFunction(function.name), &function) << function.name << " is there twice";
    EXPECT_LE(function.min_arguments(), function.arguments.size());
    EXPECT_EQ(function.arguments.find_first_not_of("vmst"), std::string_view::npos);
  }
  EXPECT_EQ(FindFunction("sum"), nullptr);
}

}  // namespace
}  // namespace leadline::collector::promql::parse
