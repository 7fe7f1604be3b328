// Files of a name and a number a line, or of a few numbers.
#include <string>

#include <fmt/format.h>

#include "agent/source/node/malformed.h"
#include "agent/source/node/parsers.h"
#include "agent/source/text.h"

namespace leadline::agent::source {
namespace {

// "Active(anon)" to "Active_anon".
std::string MemoryName(std::string_view key) {
  std::string name;
  for (const char c : key) {
    if (c == '(') {
      name += '_';
    } else if (c != ')') {
      name += c;
    }
  }
  return name;
}

}  // namespace

absl::Status ParseMeminfo(std::string_view text, FigureSink sink) {
  Malformed malformed;
  while (!text.empty()) {
    const std::string_view line = TakeUntil(text, '\n');
    std::string_view rest = line;
    const std::string_view key = TakeUntil(rest, ':');
    const auto value = ParseNumber<uint64_t>(TakeWord(rest));
    const std::string_view unit = TakeWord(rest);
    if (!value || !(unit.empty() || unit == "kB")) {
      malformed.Note(line);
      continue;
    }
    const bool bytes = !unit.empty();
    sink(fmt::format("node_memory_{}{}", MemoryName(key), bytes ? "_bytes" : ""), {},
         static_cast<double>(*value) * (bytes ? 1024 : 1));
  }
  return malformed.ToStatus();
}

absl::Status ParseVmstat(std::string_view text, FigureSink sink) {
  Malformed malformed;
  while (!text.empty()) {
    const std::string_view line = TakeUntil(text, '\n');
    std::string_view rest = line;
    const std::string_view key = TakeWord(rest);
    const auto value = ParseNumber<uint64_t>(TakeWord(rest));
    if (!value) {
      malformed.Note(line);
      continue;
    }
    sink(fmt::format("node_vmstat_{}", key), {}, static_cast<double>(*value));
  }
  return malformed.ToStatus();
}

absl::Status ParseLoadavg(std::string_view text, FigureSink sink) {
  Malformed malformed;
  std::string_view rest = text;
  for (const char* metric : {"node_load1", "node_load5", "node_load15"}) {
    const auto value = ParseNumber<double>(TakeWord(rest));
    if (value) {
      sink(metric, {}, *value);
    } else {
      malformed.Note(text);
    }
  }
  return malformed.ToStatus();
}

absl::Status ParseFileNr(std::string_view text, FigureSink sink) {
  Malformed malformed;
  std::string_view rest = text;
  const auto allocated = ParseNumber<uint64_t>(TakeWord(rest));
  TakeWord(rest);  // free ones, always 0
  const auto most = ParseNumber<uint64_t>(TakeWord(rest));
  if (!allocated || !most) {
    malformed.Note(text);
  } else {
    sink("node_filefd_allocated", {}, static_cast<double>(*allocated));
    sink("node_filefd_maximum", {}, static_cast<double>(*most));
  }
  return malformed.ToStatus();
}

absl::Status ParseSchedstat(std::string_view text, FigureSink sink) {
  constexpr struct {
    const char* metric;
    double unit;
  } kColumns[] = {
      {"node_schedstat_running_seconds_total", 1e-9},
      {"node_schedstat_waiting_seconds_total", 1e-9},
      {"node_schedstat_timeslices_total", 1},
  };
  constexpr int kColumnsBefore = 6;
  Malformed malformed;
  while (!text.empty()) {
    const std::string_view line = TakeUntil(text, '\n');
    std::string_view rest = line;
    std::string_view cpu = TakeWord(rest);
    if (!cpu.starts_with("cpu")) continue;
    cpu.remove_prefix(3);
    for (int skipped = 0; skipped < kColumnsBefore; ++skipped) TakeWord(rest);
    for (const auto& column : kColumns) {
      const auto value = ParseNumber<uint64_t>(TakeWord(rest));
      if (!value) {
        malformed.Note(line);
        break;
      }
      sink(column.metric, {{{"cpu", cpu}}}, static_cast<double>(*value) * column.unit);
    }
  }
  return malformed.ToStatus();
}

absl::Status ParsePressure(std::string_view resource, std::string_view text, FigureSink sink) {
  Malformed malformed;
  while (!text.empty()) {
    const std::string_view line = TakeUntil(text, '\n');
    std::string_view rest = line;
    const std::string_view kind = TakeWord(rest);
    if (kind == "full" && resource == "cpu") continue;
    const size_t at = rest.find("total=");
    std::string_view total = at == std::string_view::npos ? "" : rest.substr(at + 6);
    const auto micros = ParseNumber<uint64_t>(TakeWord(total));
    if (!micros || (kind != "some" && kind != "full")) {
      malformed.Note(line);
      continue;
    }
    sink(fmt::format("node_pressure_{}_{}_seconds_total", resource,
                     kind == "some" ? "waiting" : "stalled"),
         {}, static_cast<double>(*micros) / 1e6);
  }
  return malformed.ToStatus();
}

}  // namespace leadline::agent::source
