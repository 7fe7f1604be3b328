// The tokens of a query, one at a time, and the first thing found wrong with it. Internal to the
// parser.
//
// What parses takes a TokenStream and consumes what it has understood. When it fails it has left a
// complaint here and returns nullptr, nullopt or false; only the first complaint is kept, so
// callers just return in their turn. One thread; the query must outlive the stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "collector/promql/parse/check.h"
#include "collector/promql/parse/lexer.h"

namespace leadline::collector::promql::parse {

class TokenStream {
 public:
  explicit TokenStream(std::string_view query) : query_(query), lexer_(query) { Advance(); }

  const Token& current() const { return current_; }
  Position position() const { return current_.position; }
  uint32_t start() const { return current_.position.start; }
  // Where the token before the current one ends.
  uint32_t last_end() const { return last_end_; }

  bool Is(TokenKind kind) const { return current_.kind == kind; }
  // Whether it is that word, in any case. `lower_case_word` is in lower case.
  bool IsKeyword(std::string_view lower_case_word) const;

  // Whether the token behind the current one is of that kind.
  bool NextIs(TokenKind kind) const { return Lexer(lexer_).Next().kind == kind; }

  void Advance();
  // Past the current token if it is that one.
  bool Take(TokenKind kind);
  bool TakeKeyword(std::string_view lower_case_word);
  // Past a minus, which gives true, or a plus, if there is one.
  bool TakeSign();
  // Past the current token, whatever it is.
  Token TakeToken();

  // Whether selectors may match every series, as in the second argument of info().
  bool selectors_may_match_all() const { return selectors_may_match_all_; }
  void LetSelectorsMatchAll(bool let) { selectors_may_match_all_ = let; }

  std::nullptr_t FailAt(Position position, std::string message);
  // "unexpected <current token> in <where>, expected <expected>"; either may be empty.
  std::nullptr_t Unexpected(std::string_view where, std::string_view expected);

  // Sets the place and the depth of a new node, whose last token was the last one, and checks it.
  template <typename Node>
  ExprPtr Finish(std::unique_ptr<Node> node, uint32_t start, uint32_t depth_below) {
    if (!Place(*node, start, depth_below)) return nullptr;
    if constexpr (requires { Check(*node); }) {
      if (auto complaint = Check(*node)) return FailAt(complaint->position, complaint->message);
    }
    return node;
  }

  // "1:5: parse error: …". REQUIRES: something failed.
  std::string ErrorText() const;

 private:
  bool Place(Expr& node, uint32_t start, uint32_t depth_below);
  std::string DescribeCurrent() const;

  const std::string_view query_;
  Lexer lexer_;
  Token current_;
  uint32_t last_end_ = 0;
  bool selectors_may_match_all_ = false;
  std::optional<Complaint> failure_;
};

}  // namespace leadline::collector::promql::parse
