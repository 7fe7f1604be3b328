// docs/promql.md says of every function what it takes.
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/promql/functions/function.h"

namespace leadline::collector::promql {
namespace {

// "round(v, [s])"
std::string SignatureOf(const Function& function) {
  std::string text;
  for (size_t i = 0; i < function.arguments.size(); ++i) {
    const bool last = i + 1 == function.arguments.size();
    std::string argument(1, function.arguments[i]);
    if (last && (function.variadic < 0 || function.variadic > 1)) argument += "…";
    if (last && function.variadic != 0) argument = "[" + argument + "]";
    text += (i > 0 ? ", " : "") + argument;
  }
  return fmt::format("{}({})", function.name, text);
}

// What is in backquotes in the first column of the table of functions.
std::multiset<std::string> Documented() {
  std::ifstream file(LEADLINE_SOURCE_DIR "/docs/promql.md");
  std::multiset<std::string> signatures;
  bool in_table = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| function |")) in_table = true;
    if (!in_table || !line.starts_with("| `")) continue;
    std::istringstream column(line.substr(0, line.find(" | ")));
    std::string text;
    for (int part = 0; std::getline(column, text, '`'); ++part) {
      if (part % 2 == 1) signatures.insert(text);
    }
  }
  return signatures;
}

TEST(Reference, HasEveryFunctionOnce) {
  std::multiset<std::string> expected;
  for (const Function& function : Functions()) expected.insert(SignatureOf(function));
  EXPECT_THAT(Documented(), testing::ContainerEq(expected));
}

}  // namespace
}  // namespace leadline::collector::promql
