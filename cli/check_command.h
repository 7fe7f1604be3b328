// `leadline check config`: what is wrong with a configuration file of the agent or the collector.
#pragma once

#include <ostream>
#include <string>

namespace leadline::cli {

struct CheckConfigFlags {
  std::string file;
  std::string program;  // "agent", "collector", or "": found by the file's keys
};

// The exit code: 0 with "ok" on `out`, or 1 with every error on `err`, in the program's own words.
int RunCheckConfig(const CheckConfigFlags& flags, std::ostream& out, std::ostream& err);

}  // namespace leadline::cli
