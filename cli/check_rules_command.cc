#include "cli/check_rules_command.h"

#include <fmt/format.h>

#include "collector/rules/file/rule_file.h"

namespace leadline::cli {

using collector::rules::Rule;

int RunCheckRules(const CheckRulesFlags& flags, std::ostream& out, std::ostream& err) {
  int exit_code = 0;
  for (const std::string& path : flags.files) {
    const collector::rules::RuleFile file = collector::rules::ReadRules(path);
    for (const auto& problem : file.problems) {
      err << collector::rules::Text(path, problem) << '\n';
      exit_code = 1;
    }
    if (!file.problems.empty()) continue;
    size_t recording = 0, alerting = 0;
    for (const auto& group : file.groups) {
      for (const Rule& rule : group.rules) {
        ++(rule.kind == Rule::Kind::kRecording ? recording : alerting);
      }
    }
    out << fmt::format("{}: ok ({} groups, {} recording rules", path, file.groups.size(),
                       recording);
    if (alerting > 0) out << fmt::format(", {} alerting rules, which are not evaluated", alerting);
    out << ")\n";
  }
  return exit_code;
}

}  // namespace leadline::cli
