// What the command lines of all programs have in common: checks of values, and how an error reads.
//
// Checks are for CLI::Option::check(). Any thread.
#pragma once

#include <string>

#include "absl/time/time.h"
#include <CLI/CLI.hpp>

namespace leadline::flags {

// The exit code of a command line that is not understood.
constexpr int kUsageError = 2;

CLI::Validator IsHostPort();
CLI::Validator IsTarget();  // host:port of something to connect to
CLI::Validator IsDuration();
CLI::Validator IsLogLevel();
CLI::Validator IsNotEmpty();
CLI::Validator IsRegularExpression();  // in RE2's syntax
// A file that can be read, or a pattern as of a shell, of which there may be none.
CLI::Validator IsFileOrPattern();
// For CLI::Option::transform(): "64MiB" as a number of bytes. KB is KiB.
CLI::Validator ToBytes();

// An option that is a duration: `default_text` until it is given, at least `least` when it is.
CLI::Option* AddDuration(CLI::App& app, const std::string& name, absl::Duration& duration,
                         const std::string& default_text, const std::string& description,
                         absl::Duration least = absl::ZeroDuration());

// Makes errors of `app` and of its subcommands read
//   error: --http: "x" is not host:port, ...
//   See "leadline-agent --help".
void SetUp(CLI::App& app);

// What an error of `app` says, as in "--http: \"x\" is not host:port, ...".
std::string ErrorText(const CLI::App& app, const CLI::Error& error);

// Prints what --help, --version or the error has to say, and returns the exit code.
int Exit(const CLI::App& app, const CLI::ParseError& error);

}  // namespace leadline::flags
