#include "common/flags/suggestion.h"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace leadline::flags {
namespace {

constexpr size_t kMaxWordBytes = 64;  // what is longer is near to nothing
constexpr size_t kMostEdits = 2;

std::string Plain(std::string_view word) {
  std::string plain;
  for (const char c : word) {
    plain += c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return plain;
}

// Levenshtein's distance.
size_t Edits(std::string_view from, std::string_view to) {
  std::vector<size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= from.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= to.size(); ++j) {
      const size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::string Suggestion(std::string_view written, const std::vector<std::string>& words) {
  if (written.size() > kMaxWordBytes) return "";
  const std::string plain = Plain(written);
  std::string nearest;
  size_t least = kMostEdits + 1;
  for (const std::string& word : words) {
    const size_t edits = Edits(plain, Plain(word));
    // Of a short word two edits leave nothing.
    if (edits < least && edits * 2 < word.size()) {
      least = edits;
      nearest = word;
    }
  }
  return nearest;
}

}  // namespace leadline::flags
