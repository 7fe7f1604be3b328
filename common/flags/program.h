// What a program of ours can be told: on its command line, and in a configuration file by --config.
//
// The options of the program's CLI::App are the one table of both: every option that has a long
// name is a key of that name in the file, and there are no other keys. The command line goes before
// the file, the file before the default; a key that excludes an option of the command line is left
// out. Repeated options are lists in the file. An error in the file reads
//   leadline-agent: /etc/leadline/agent.yaml:12: interval: "10 parsecs" is not a duration
// and all of a file's errors are told at once.
//
// Not thread-safe. The variables that the options are bound to outlive the program's parsing.
#pragma once

#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/config/config_file.h"
#include "common/string_map.h"

namespace leadline::flags {

// A value that is wrong beside others, of the option with that long name.
struct Conflict {
  std::string option;  // "http"
  std::string what;
};

class Program {
 public:
  Program(std::string name, std::string what_it_does);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // To add options to.
  CLI::App& app() { return app_; }
  const CLI::App& app() const { return app_; }

  // What cannot be said of one option alone; asked once each of them is right.
  void AddCheck(std::function<std::vector<Conflict>()> check);

  // nullopt when the program shall run. Otherwise the exit code, after printing help, the version,
  // what is in force (--print-config) or every error.
  std::optional<int> Parse(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

  // What is wrong with a configuration file, each as "FILE:LINE: KEY: reason". Options that are
  // required may be missing: the command line may have them. Once, and not beside Parse.
  std::vector<std::string> CheckConfig(const std::string& file);

  // The options that have a key in the configuration file, in the order in which they were added.
  std::vector<const CLI::Option*> ConfigurableOptions() const;

  // What is in force, by key; "" where there is no value, several separated by commas.
  std::vector<std::pair<std::string, std::string>> Values() const;

  // What is in force, as a configuration file that says where each value is from.
  std::string PrintConfig() const;

 private:
  struct Place {
    std::string file;
    int line = 0;
  };

  bool IsConfigurable(const CLI::Option& option) const;
  CLI::Option* FindOption(std::string_view key);
  bool IsOnCommandLine(const CLI::Option& option) const;
  bool IsOverruled(const CLI::Option& option) const;
  // Applies the file to the options that the command line does not have; throws CLI::FileError when
  // there are errors_.
  void ApplyFile(const std::string& file);
  // What is wrong, "" for nothing.
  std::string ApplyEntry(const std::string& file, const config::Entry& entry);
  void FindConflicts();
  // `what` is wrong with the option: with its place, where that is in a file.
  std::string Describe(std::string_view option, std::string_view what) const;
  std::string Describe(const CLI::ParseError& error) const;

  CLI::App app_;
  CLI::Option* config_option_;
  CLI::Option* print_option_;
  bool print_config_ = false;
  std::vector<std::function<std::vector<Conflict>()>> checks_;
  StringMap<Place> places_;  // of the options that a file has set
  std::vector<std::string> errors_;
};

// Options, or only the exit code.
template <typename Options>
struct Parsed {
  std::optional<Options> options;
  int exit_code = 0;
};

// What the command line makes of the program's options; prints as Program::Parse does.
template <typename Options>
Parsed<Options> ParseOptions(std::unique_ptr<Program> (*make_program)(Options&), int argc,
                             const char* const* argv) {
  Options options;
  const auto exit_code = make_program(options)->Parse(argc, argv, std::cout, std::cerr);
  if (exit_code) return {.options = std::nullopt, .exit_code = *exit_code};
  return {.options = std::move(options)};
}

// The rows of docs/configuration.md: a Markdown table of the program's keys.
std::string ConfigurationTable(const Program& program);

}  // namespace leadline::flags
