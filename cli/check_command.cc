#include "cli/check_command.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "agent/options/options.h"
#include "collector/options/options.h"
#include "common/config/config_file.h"

namespace leadline::cli {
namespace {

// How many of the file's keys the program has.
size_t CountKeys(const flags::Program& program, const config::ConfigFile& file) {
  const auto options = program.ConfigurableOptions();
  return std::count_if(file.entries.begin(), file.entries.end(), [&](const config::Entry& entry) {
    return std::any_of(options.begin(), options.end(), [&](const CLI::Option* option) {
      return option->get_lnames().front() == entry.key;
    });
  });
}

}  // namespace

int RunCheckConfig(const CheckConfigFlags& flags, std::ostream& out, std::ostream& err) {
  agent::Options agent_options;
  collector::Options collector_options;
  const auto agent = agent::MakeProgram(agent_options);
  const auto collector = collector::MakeProgram(collector_options);
  flags::Program* program = flags.program == "collector" ? collector.get() : agent.get();
  if (flags.program.empty()) {
    const config::ConfigFile file = config::ReadConfig(flags.file);
    const size_t of_agent = CountKeys(*agent, file);
    const size_t of_collector = CountKeys(*collector, file);
    if (of_agent == of_collector && !file.entries.empty()) {
      err << fmt::format(
          "{}: its keys do not tell whether it is of the agent or of the collector: say "
          "--program\n",
          flags.file);
      return 1;
    }
    if (of_collector > of_agent) program = collector.get();
  }
  const std::vector<std::string> errors = program->CheckConfig(flags.file);
  for (const std::string& error : errors) err << error << '\n';
  if (!errors.empty()) return 1;
  out << fmt::format("{}: ok ({})\n", flags.file, program->app().get_name());
  return 0;
}

}  // namespace leadline::cli
