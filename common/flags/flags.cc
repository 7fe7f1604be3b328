#include "common/flags/flags.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <re2/re2.h>

#include "common/address.h"
#include "common/duration.h"
#include "common/status_text.h"

namespace leadline::flags {
namespace {

std::string TextOf(const absl::Status& status) { return std::string(StatusMessage(status)); }

// The command that `app` was asked for, as one would type it.
std::string Typed(const CLI::App& app) {
  const auto commands = app.get_subcommands();
  return app.get_name() + (commands.empty() ? "" : " " + Typed(*commands.front()));
}

}  // namespace

CLI::Validator IsHostPort() {
  return {[](std::string& text) { return TextOf(ParseHostPort(text).status()); }, ""};
}

CLI::Validator IsTarget() {
  return {[](std::string& text) { return TextOf(ParseTarget(text).status()); }, ""};
}

CLI::Validator IsDuration() {
  return {[](std::string& text) -> std::string {
            if (ParseDuration(text).ok()) return "";
            return fmt::format("\"{}\" is not a duration, as in 30d, 1h30m or 500ms", text);
          },
          ""};
}

CLI::Validator IsLogLevel() {
  return {[](std::string& text) -> std::string {
            for (const char* level : {"debug", "info", "warn", "error"}) {
              if (text == level) return "";
            }
            return fmt::format("\"{}\" is none of debug, info, warn, error", text);
          },
          ""};
}

CLI::Validator IsNotEmpty() {
  return {[](std::string& text) -> std::string { return text.empty() ? "is empty" : ""; }, ""};
}

CLI::Validator IsRegularExpression() {
  return {[](std::string& text) -> std::string {
            const re2::RE2 compiled(text, re2::RE2::Quiet);
            if (compiled.ok()) return "";
            return fmt::format("\"{}\" is no regular expression: {}", text, compiled.error());
          },
          ""};
}

CLI::Validator IsFileOrPattern() {
  return {[](std::string& text) -> std::string {
            if (text.find_first_of("*?[") != std::string::npos) return "";
            if (access(text.c_str(), R_OK) == 0) return "";
            return fmt::format("\"{}\" cannot be read: {}", text,
                               std::generic_category().message(errno));
          },
          ""};
}

CLI::Validator ToBytes() {
  return {[](std::string& text) -> std::string {
            static const CLI::AsSizeValue to_bytes(/*kb_is_1000=*/false);
            const std::string written = text;
            try {
              // strtoull takes "-1", for the largest number.
              if (written.find('-') == std::string::npos && to_bytes(text).empty()) return "";
            } catch (const CLI::ValidationError&) {  // of a unit
            }
            return fmt::format("\"{}\" is not a size, as in 512KiB, 64MiB or 2GiB", written);
          },
          ""};
}

CLI::Option* AddDuration(CLI::App& app, const std::string& name, absl::Duration& duration,
                         const std::string& default_text, const std::string& description,
                         absl::Duration least) {
  const auto set = [&duration](const std::string& text) { duration = *ParseDuration(text); };
  set(default_text);
  const auto is_long_enough = [least](const std::string& text) -> std::string {
    if (*ParseDuration(text) >= least) return "";
    return fmt::format("{} is shorter than {}", text, absl::FormatDuration(least));
  };
  return app.add_option_function<std::string>(name, set, description)
      ->check(IsDuration())
      ->check(is_long_enough)
      ->type_name("DURATION")
      ->default_str(default_text);
}

std::string ErrorText(const CLI::App& app, const CLI::Error& error) {
  std::string text = error.what();
  const std::vector<std::string> rest = app.remaining(true);
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError) && !rest.empty() &&
      app.get_subcommands().empty() && !app.get_subcommands({}).empty() &&
      !rest.front().starts_with('-')) {
    return fmt::format("unknown command \"{}\"", rest.front());
  }
  // "--http: At Most 1 required but received 2"
  if (const size_t at = text.find(": At Most 1 "); at != std::string::npos) {
    return text.substr(0, at) + " is given more than once";
  }
  return text;
}

void SetUp(CLI::App& app) {
  app.failure_message([](const CLI::App* failed, const CLI::Error& error) {
    return fmt::format("error: {}\nSee \"{} --help\".\n", ErrorText(*failed, error),
                       Typed(*failed));
  });
}

int Exit(const CLI::App& app, const CLI::ParseError& error) {
  return app.exit(error) == 0 ? 0 : kUsageError;
}

}  // namespace leadline::flags
