// A configuration file: every key once, and everything with its line.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include "common/config/config_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using leadline::config::Kind;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto lines =
      1 + std::count(text.begin(), text.end(), '\n') + std::count(text.begin(), text.end(), '\r');
  const auto file = leadline::config::ParseConfig(text);
  std::set<std::string> keys;
  for (const auto& entry : file.entries) {
    if (!keys.insert(entry.key).second) abort();
    if (entry.line < 1 || entry.line > lines) abort();
    if (entry.kind == Kind::kValue && entry.values.size() != 1) abort();
    if (entry.kind == Kind::kNothing && !entry.values.empty()) abort();
  }
  for (const auto& problem : file.problems) {
    if (problem.line < 0 || problem.line > lines || problem.what.empty()) abort();
  }
  return 0;
}
