// Help in kubectl's form: what it does, examples (a command's footer), commands, flags, usage.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace leadline::cli {

class HelpFormatter : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
};

}  // namespace leadline::cli
