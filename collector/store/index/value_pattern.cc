#include "collector/store/index/value_pattern.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace leadline::collector::store::index {
namespace {

using Rest = ValueAlternative::Rest;
using Alternatives = std::vector<ValueAlternative>;

constexpr std::string_view kMeta = "\\.+*?()|[]{}^$";
constexpr size_t kMaxDepth = 32;

bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool IsLetterOrDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Flags change what everything behind them means, and \Q where things end.
bool HasFlagsOrQuotes(std::string_view expression) {
  for (size_t i = expression.find("(?"); i != std::string_view::npos;
       i = expression.find("(?", i + 1)) {
    if (expression.substr(i + 2, 1) != ":") return true;
  }
  return expression.find("\\Q") != std::string_view::npos;
}

// Recursive descent over the subset that is told apart; whatever else there is makes the rest of
// its branch unknown.
class Parser {
 public:
  explicit Parser(std::string_view expression) : rest_(expression) {}

  // Branches up to a ')' or the end.
  Alternatives Branches() {
    Alternatives all = Branch();
    while (!rest_.empty() && rest_.front() == '|') {
      rest_.remove_prefix(1);
      Alternatives more = Branch();
      all.insert(all.end(), std::make_move_iterator(more.begin()),
                 std::make_move_iterator(more.end()));
    }
    return all;
  }

  bool AtEnd() const { return rest_.empty(); }

 private:
  bool AtBranchEnd() const { return rest_.empty() || rest_.front() == '|' || rest_.front() == ')'; }

  Alternatives Branch() {
    Alternatives known{{}};
    while (!AtBranchEnd()) {
      if (!AppendPiece(known)) {
        for (ValueAlternative& alternative : known) alternative.rest = Rest::kUnknown;
        SkipBranch();
        break;
      }
    }
    return known;
  }

  // An atom with what follows it of '?', '*' and '+'. False when it is not told.
  bool AppendPiece(Alternatives& known) {
    if (rest_.front() == '.') return AppendDots(known);
    std::optional<Alternatives> atom = Atom();
    if (!atom) return false;
    if (!rest_.empty() && rest_.front() == '?') {
      rest_.remove_prefix(1);
      SkipLazy();
      atom->emplace_back();
    } else if (!rest_.empty() &&
               (rest_.front() == '*' || rest_.front() == '+' || rest_.front() == '{')) {
      return false;
    }
    return Concatenate(*atom, known);
  }

  // ".*" and ".+".
  bool AppendDots(Alternatives& known) {
    if (rest_.size() < 2 || (rest_[1] != '*' && rest_[1] != '+')) return false;
    const Rest rest = rest_[1] == '*' ? Rest::kAnything : Rest::kSomething;
    rest_.remove_prefix(2);
    SkipLazy();
    return Concatenate({{"", rest}}, known);
  }

  std::optional<Alternatives> Atom() {
    const char c = rest_.front();
    if (c == '(') return Group();
    if (c == '[') return Class();
    if (c == '\\') {
      if (rest_.size() < 2 || !IsAscii(rest_[1]) || IsLetterOrDigit(rest_[1])) return std::nullopt;
      rest_.remove_prefix(1);
      return Literal();
    }
    if (kMeta.find(c) != std::string_view::npos) return std::nullopt;
    return Literal();
  }

  std::optional<Alternatives> Literal() {
    size_t bytes = 1;
    while (!IsAscii(rest_.front()) && bytes < rest_.size() &&
           (static_cast<unsigned char>(rest_[bytes]) & 0xc0) == 0x80) {
      ++bytes;
    }
    Alternatives one{{std::string(rest_.substr(0, bytes)), Rest::kNothing}};
    rest_.remove_prefix(bytes);
    return one;
  }

  std::optional<Alternatives> Group() {
    if (depth_ == kMaxDepth) return std::nullopt;
    rest_.remove_prefix(rest_.starts_with("(?:") ? 3 : 1);
    ++depth_;
    Alternatives inside = Branches();
    --depth_;
    if (rest_.empty()) return std::nullopt;
    rest_.remove_prefix(1);
    return inside;
  }

  // Of letters, digits, '_' and '-', and ranges of the former. Consumes nothing when it is not
  // told.
  std::optional<Alternatives> Class() {
    const size_t end = rest_.find(']', 1);
    if (end == std::string_view::npos || end == 1) return std::nullopt;
    const std::string_view members = rest_.substr(1, end - 1);
    Alternatives all;
    for (size_t i = 0; i < members.size(); ++i) {
      const char first = members[i];
      if (!IsLetterOrDigit(first) && first != '_' &&
          !(first == '-' && (i == 0 || i + 1 == members.size()))) {
        return std::nullopt;
      }
      char last = first;
      if (i + 2 < members.size() && members[i + 1] == '-') {
        last = members[i + 2];
        if (!IsLetterOrDigit(first) || !IsLetterOrDigit(last)) return std::nullopt;
        i += 2;
      }
      for (int c = first; c <= last; ++c)
        all.push_back({std::string(1, static_cast<char>(c)), Rest::kNothing});
    }
    rest_.remove_prefix(end + 1);
    return all;
  }

  void SkipLazy() {
    if (!rest_.empty() && rest_.front() == '?') rest_.remove_prefix(1);
  }

  // Each of `known` followed by each of `more`. False, and nothing is changed, when they are too
  // many.
  static bool Concatenate(const Alternatives& more, Alternatives& known) {
    if (known.size() * more.size() > kMaxAlternatives) return false;
    Alternatives all;
    all.reserve(known.size() * more.size());
    for (const ValueAlternative& first : known) {
      for (const ValueAlternative& second : more) {
        if (first.rest == Rest::kNothing) {
          all.push_back({first.text + second.text, second.rest});
        } else if (second.text.empty() && second.rest == Rest::kNothing) {
          all.push_back(first);
        } else {
          all.push_back({first.text, Rest::kUnknown});
        }
      }
    }
    known = std::move(all);
    return true;
  }

  // To the end of the branch, whatever is in it.
  void SkipBranch() {
    size_t depth = 0;
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (depth == 0 && (c == '|' || c == ')')) return;
      if (c == '\\') {
        rest_.remove_prefix(std::min<size_t>(2, rest_.size()));
        continue;
      }
      if (c == '[') {
        SkipClass();
        continue;
      }
      if (c == '(') ++depth;
      if (c == ')') --depth;
      rest_.remove_prefix(1);
    }
  }

  void SkipClass() {
    size_t i = 1;
    if (i < rest_.size() && rest_[i] == '^') ++i;
    if (i < rest_.size() && rest_[i] == ']') ++i;  // first, it is a member
    while (i < rest_.size() && rest_[i] != ']') {
      if (rest_[i] == '\\') {
        i += 2;
      } else if (rest_.substr(i, 2) == "[:") {
        const size_t end = rest_.find(":]", i + 2);
        i = end == std::string_view::npos ? i + 1 : end + 2;
      } else {
        ++i;
      }
    }
    rest_.remove_prefix(std::min(i + 1, rest_.size()));
  }

  std::string_view rest_;
  size_t depth_ = 0;
};

}  // namespace

std::vector<ValueAlternative> AlternativesOf(std::string_view expression) {
  const Alternatives unknown{{"", Rest::kUnknown}};
  if (HasFlagsOrQuotes(expression)) return unknown;
  Parser parser(expression);
  Alternatives alternatives = parser.Branches();
  if (!parser.AtEnd() || alternatives.size() > kMaxAlternatives) return unknown;
  std::sort(alternatives.begin(), alternatives.end());
  alternatives.erase(std::unique(alternatives.begin(), alternatives.end()), alternatives.end());
  const bool any = std::any_of(alternatives.begin(), alternatives.end(), [](const auto& one) {
    return one.text.empty() && one.rest == Rest::kUnknown;
  });
  return any ? unknown : alternatives;
}

}  // namespace leadline::collector::store::index
