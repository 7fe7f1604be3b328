// `leadline check rules`: what is wrong with files of rules.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace leadline::cli {

struct CheckRulesFlags {
  std::vector<std::string> files;
};

// The exit code: 0 with what each file has on `out`, or 1 with every problem, FILE:LINE: what, on
// `err`.
int RunCheckRules(const CheckRulesFlags& flags, std::ostream& out, std::ostream& err);

}  // namespace leadline::cli
