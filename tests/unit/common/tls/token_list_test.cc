#include "common/tls/token_list.h"

#include <gtest/gtest.h>

#include "common/status_text.h"

namespace leadline::tls {
namespace {

TEST(TokenList, HasTokensAndHashesOfTokens) {
  const auto list =
      TokenList::Parse("f",
                       "# people\n"
                       "  kJ4xq0yC5n3m1hV7c2Zb9w==  \r\n"
                       "\n"
                       // printf %s 0123456789abcdef | sha256sum
                       "sha256:9F9F5111F7B27A781F1F1DDDE5EBC2DD2B796BFC7365C9C28B548E564176929F\n");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_TRUE(list->Contains("kJ4xq0yC5n3m1hV7c2Zb9w=="));
  EXPECT_TRUE(list->Contains("0123456789abcdef"));
  EXPECT_FALSE(list->Contains("kJ4xq0yC5n3m1hV7c2Zb9w="));
  EXPECT_FALSE(list->Contains(""));
  EXPECT_FALSE(list->Contains("# people"));
  EXPECT_FALSE(
      list->Contains("sha256:9F9F5111F7B27A781F1F1DDDE5EBC2DD2B796BFC7365C9C28B548E564176929F"));
}

TEST(TokenList, ErrorsNameTheLineAndNeverTheToken) {
  const struct {
    std::string text, error;
  } cases[] = {
      {"\nshort\n", "f:2: the token is shorter than 16 characters"},
      {"has blanks in it, and commas",
       "f:1: is not a token: letters, digits and -._~+/ with = at the end only"},
      {"================",
       "f:1: is not a token: letters, digits and -._~+/ with = at the end only"},
      {"sha256:abc", "f:1: is not sha256: and 64 hexadecimal digits"},
      {"sha256:" + std::string(63, 'a') + "g", "f:1: is not sha256: and 64 hexadecimal digits"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(StatusMessage(TokenList::Parse("f", c.text).status()), c.error);
  }
  std::string many;
  for (size_t i = 0; i <= kMaxTokens; ++i) many += "0123456789abcdef\n";
  EXPECT_EQ(StatusMessage(TokenList::Parse("f", many).status()),
            "f:10001: there are more than 10000 tokens");
}

TEST(TokenList, MayBeEmpty) {
  const auto list = TokenList::Parse("f", "# nobody\n");
  ASSERT_TRUE(list.ok());
  EXPECT_TRUE(list->empty());
  EXPECT_FALSE(list->Contains(""));
}

TEST(BearerToken, IsTakenOutOfTheHeader) {
  EXPECT_EQ(BearerToken("Bearer abc"), "abc");
  EXPECT_EQ(BearerToken("bEARER  abc "), "abc");
  EXPECT_EQ(BearerToken("Bearer "), "");
  for (const char* header : {"", "Bearer", "Basic abc", "Bearerabc", "abc"}) {
    EXPECT_EQ(BearerToken(header), std::nullopt) << header;
  }
}

}  // namespace
}  // namespace leadline::tls
