// What a regular expression asks of a value as far as it can be told without running it: a few
// alternatives, each a text that the value is or begins with. So `a|b|c` and `foo-(a|b)` become
// look-ups, `prefix.*` a range of sorted values, and the rest a range in which to run it.
//
// The expression is one that RE2 has taken, anchored at both ends, with '.' for every character.
// Immutable; thread-safe. Source: RE2's syntax, https://github.com/google/re2/wiki/Syntax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace leadline::collector::store::index {

struct ValueAlternative {
  enum class Rest : uint8_t {
    kNothing,    // the value is the text
    kAnything,   // and then anything
    kSomething,  // and then anything but nothing
    kUnknown,    // what begins with the text may match: run the expression
  };

  std::string text;
  Rest rest = Rest::kNothing;

  auto operator<=>(const ValueAlternative&) const = default;
};

inline constexpr size_t kMaxAlternatives = 1024;

// A value matches if it is as one of them says, and only then, but for those with kUnknown, and
// values that are not ASCII behind the text of kAnything and kSomething (where it is for RE2 to say
// what a character is). Sorted, each once, at most kMaxAlternatives; one of "" and kUnknown when
// nothing is known.
std::vector<ValueAlternative> AlternativesOf(std::string_view expression);

}  // namespace leadline::collector::store::index
