#include "cli/help_formatter.h"

#include <fmt/format.h>

namespace leadline::cli {
namespace {

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string Commands(const CLI::App& app) {
  std::string text;
  for (const CLI::App* command : app.get_subcommands({})) {
    text +=
        fmt::format("  {:<12} {}\n", command->get_name(), FirstLine(command->get_description()));
  }
  return text.empty() ? text : "\nCommands:\n" + text;
}

std::string Flags(const CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) continue;
    const std::string value = option->get_items_expected_max() == 0
                                  ? ""
                                  : fmt::format("='{}'", option->get_default_str());
    const std::string variable =
        option->get_envname().empty() ? "" : fmt::format(" (${})", option->get_envname());
    std::string names;
    for (const std::string& name : option->get_snames()) names += fmt::format("-{}, ", name);
    for (const std::string& name : option->get_lnames()) names += fmt::format("--{}, ", name);
    names.resize(names.size() - 2);
    text +=
        fmt::format("    {}{}:\n        {}{}\n", names, value, option->get_description(), variable);
  }
  return "\nFlags:\n" + text;
}

std::string Usage(const CLI::App& app, const std::string& name) {
  std::string text = fmt::format("\nUsage:\n  {}", name);
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) text += ' ' + option->get_name(true);
  }
  if (!app.get_subcommands({}).empty()) text += " COMMAND";
  return text + " [flags]\n";
}

}  // namespace

std::string HelpFormatter::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode) const {
  const std::string path = name.empty() ? app->get_name() : name;
  const bool is_root = app->get_parent() == nullptr;
  const std::string footer = app->get_footer().empty() ? "" : "\n" + app->get_footer() + "\n";
  return app->get_description() + "\n" + (is_root ? "" : footer) + Commands(*app) + Flags(*app) +
         Usage(*app, path) + (is_root ? footer : "");
}

}  // namespace leadline::cli
