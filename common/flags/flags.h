// What the command lines of all programs have in common: checks of values, and how an error reads.
//
// Checks are for CLI::Option::check(). Any thread.
#pragma once

#include <CLI/CLI.hpp>

namespace leadline::flags {

// The exit code of a command line that is not understood.
constexpr int kUsageError = 2;

CLI::Validator IsHostPort();
CLI::Validator IsDuration();
CLI::Validator IsLogLevel();
CLI::Validator IsNotEmpty();

// Makes errors of `app` and of its subcommands read
//   error: --http: "x" is not host:port, ...
//   See "leadline-agent --help".
void SetUp(CLI::App& app);

// Prints what --help, --version or the error has to say, and returns the exit code.
int Exit(const CLI::App& app, const CLI::ParseError& error);

}  // namespace leadline::flags
