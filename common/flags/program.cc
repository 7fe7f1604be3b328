#include "common/flags/program.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include <fmt/format.h>

#include "common/flags/flags.h"
#include "common/flags/suggestion.h"
#include "common/version.h"

namespace leadline::flags {
namespace {

const std::string& KeyOf(const CLI::Option& option) { return option.get_lnames().front(); }

bool IsSwitch(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

bool IsList(const CLI::Option& option) { return option.get_items_expected_max() > 1; }

// Parts "--http: why" and "--data is required" into the option's name and the rest; "" where the
// text begins otherwise.
std::pair<std::string_view, std::string_view> PartError(std::string_view text) {
  if (!text.starts_with("--")) return {"", text};
  const size_t end = text.find_first_of(": ");
  if (end == std::string_view::npos) return {"", text};
  const std::string_view option = text.substr(2, end - 2);
  text.remove_prefix(end);
  if (text.starts_with(':')) text.remove_prefix(1);
  if (text.starts_with(' ')) text.remove_prefix(1);
  return {option, text};
}

}  // namespace

Program::Program(std::string name, std::string what_it_does)
    : app_(std::move(what_it_does), std::move(name)) {
  SetUp(app_);
  app_.set_version_flag("--version", std::string(kVersion), "Print the version");
  config_option_ = app_.add_option_function<std::string>(
                           "--config", [this](const std::string& file) { ApplyFile(file); },
                           "YAML file with these options as keys; the command line goes before it")
                       ->check(IsNotEmpty())
                       ->type_name("FILE");
  print_option_ = app_.add_flag("--print-config", print_config_,
                                "Print the options in force as such a file, and exit");
}

void Program::AddCheck(std::function<std::vector<Conflict>()> check) {
  checks_.push_back(std::move(check));
}

std::optional<int> Program::Parse(int argc, const char* const* argv, std::ostream& out,
                                  std::ostream& err) {
  try {
    app_.parse(argc, argv);
    FindConflicts();
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app_.exit(error, out, err);
    if (errors_.empty()) errors_.push_back(Describe(error));
  }
  if (!errors_.empty()) {
    for (const std::string& error : errors_) err << error << '\n';
    err << fmt::format("See \"{} --help\".\n", app_.get_name());
    return kUsageError;
  }
  if (!print_config_) return std::nullopt;
  out << PrintConfig();
  return 0;
}

std::vector<std::string> Program::CheckConfig(const std::string& file) {
  for (CLI::Option* option : app_.get_options({})) option->required(false);
  try {
    app_.parse(std::vector<std::string>{file, "--config"});  // CLI11 takes them from the end
    FindConflicts();
  } catch (const CLI::ParseError& error) {
    if (errors_.empty()) errors_.push_back(Describe(error));
  }
  const std::string prefix = app_.get_name() + ": ";
  for (std::string& error : errors_) {
    if (error.starts_with(prefix)) error.erase(0, prefix.size());
  }
  return errors_;
}

void Program::FindConflicts() {
  for (const auto& check : checks_) {
    for (const Conflict& conflict : check()) {
      errors_.push_back(Describe(conflict.option, conflict.what));
    }
  }
}

bool Program::IsConfigurable(const CLI::Option& option) const {
  return !option.get_lnames().empty() && &option != app_.get_help_ptr() &&
         &option != app_.get_version_ptr() && &option != config_option_ && &option != print_option_;
}

std::vector<const CLI::Option*> Program::ConfigurableOptions() const {
  std::vector<const CLI::Option*> options;
  for (const CLI::Option* option : app_.get_options()) {
    if (IsConfigurable(*option)) options.push_back(option);
  }
  return options;
}

CLI::Option* Program::FindOption(std::string_view key) {
  for (CLI::Option* option : app_.get_options({})) {
    if (IsConfigurable(*option) && KeyOf(*option) == key) return option;
  }
  return nullptr;
}

bool Program::IsOnCommandLine(const CLI::Option& option) const {
  return option.count() > 0 && !places_.contains(KeyOf(option));
}

bool Program::IsOverruled(const CLI::Option& option) const {
  const auto is_excluded = [this](const CLI::Option& one) {
    const std::set<CLI::Option*> others = one.get_excludes();
    return std::any_of(others.begin(), others.end(),
                       [this](const CLI::Option* other) { return IsOnCommandLine(*other); });
  };
  if (IsOnCommandLine(option) || is_excluded(option)) return true;
  const std::set<CLI::Option*> needed = option.get_needs();
  return std::any_of(needed.begin(), needed.end(), [&](const CLI::Option* other) {
    return !IsOnCommandLine(*other) && is_excluded(*other);
  });
}

void Program::ApplyFile(const std::string& file) {
  config::ConfigFile read = config::ReadConfig(file);
  std::vector<config::Problem>& problems = read.problems;
  for (const config::Entry& entry : read.entries) {
    const std::string what = ApplyEntry(file, entry);
    if (!what.empty()) problems.push_back({entry.line, fmt::format("{}: {}", entry.key, what)});
  }
  std::stable_sort(problems.begin(), problems.end(),
                   [](const auto& a, const auto& b) { return a.line < b.line; });
  for (const config::Problem& problem : problems) {
    const std::string line = problem.line == 0 ? "" : fmt::format("{}:", problem.line);
    errors_.push_back(fmt::format("{}: {}:{} {}", app_.get_name(), file, line, problem.what));
  }
  if (!errors_.empty()) throw CLI::FileError(file);
}

std::string Program::ApplyEntry(const std::string& file, const config::Entry& entry) {
  CLI::Option* const option = FindOption(entry.key);
  if (option == nullptr) {
    std::vector<std::string> keys;
    for (const CLI::Option* one : ConfigurableOptions()) keys.push_back(KeyOf(*one));
    const std::string meant = Suggestion(entry.key, keys);
    return meant.empty() ? "unknown key" : fmt::format("unknown key; did you mean {}?", meant);
  }
  if (entry.kind == config::Kind::kNothing) return "has no value";
  if (entry.kind == config::Kind::kList && !IsList(*option)) {
    return "is a list, where one value is wanted";
  }
  if (IsSwitch(*option) && entry.values[0] != "true" && entry.values[0] != "false") {
    return fmt::format("\"{}\" is neither true nor false", entry.values[0]);
  }
  if (IsOverruled(*option)) return "";
  places_[entry.key] = {file, entry.line};
  if (IsSwitch(*option) && entry.values[0] == "false") return "";  // as if it were not given
  option->add_result(entry.values);
  try {
    option->run_callback();
  } catch (const CLI::ParseError& error) {
    return std::string(PartError(ErrorText(app_, error)).second);
  }
  return "";
}

std::string Program::Describe(std::string_view option, std::string_view what) const {
  const auto place = places_.find(option);
  if (place == places_.end()) return fmt::format("error: --{}: {}", option, what);
  return fmt::format("{}: {}:{}: {}: {}", app_.get_name(), place->second.file, place->second.line,
                     option, what);
}

std::string Program::Describe(const CLI::ParseError& error) const {
  const std::string text = ErrorText(app_, error);
  const auto [option, what] = PartError(text);
  return places_.contains(option) ? Describe(option, what) : "error: " + text;
}

}  // namespace leadline::flags
