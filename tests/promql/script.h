// Test scripts for PromQL, in the format of Prometheus' promqltest.
//
//   # a comment
//   clear
//   load 10s                                     the series that follow, a sample each 10 s from 0
//     requests_total{job="a"} 0+10x30
//   load 10s life 15s to 45s                     (ours) of something that lived then; - is open
//     container_x_total{pod="p"} _ 1 2 3
//   eval instant at 5m rate(requests_total[1m])
//     {job="a"} 1
//   eval range from 0 to 5m step 1m sum(requests_total)
//     {} 0+60x5
//   eval instant at 5m 1 + 1
//     2
//   eval instant at 5m foo[
//     expect fail msg:1:5: parse error: …        or regex:…, or nothing after "fail"
//   eval instant at 5m topk(2, x)
//     expect ordered                             also: expect warn, expect info msg:… or regex:…,
//     no_warn, …; a message may leave out the place at its end: "… (1:6)"
// Results are compared with a relative tolerance of 1e-9.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "collector/promql/value/result.h"
#include "tests/promql/memory_queryable.h"

namespace leadline::collector::promqltest {

struct LoadedSeries {
  std::string text;    // "name{labels}" as in the script
  std::string values;  // as in the script
};

struct LoadCommand {
  int64_t interval_ms = 0;
  int64_t entity_start_ms = 0;
  int64_t entity_end_ms = 0;
  std::vector<LoadedSeries> series;
};

struct Expectation {
  std::string text;  // "{labels}" or a scalar or string alone
  std::string values;
};

struct EvalCommand {
  bool range = false;
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;
  std::string expr;
  bool ordered = false;
  bool fails = false;
  std::string message;                    // of the failure: all of it
  std::string regex;                      // of the failure: found in it
  std::string warning, info;              // one that there must be
  std::string warning_regex, info_regex;  // found in one that there must be
  bool warns = false, no_warn = false, informs = false, no_info = false;
  std::vector<Expectation> results;
};

struct Command {
  enum class Kind { kClear, kLoad, kEval };
  Kind kind = Kind::kClear;
  int line = 0;
  LoadCommand load;
  EvalCommand eval;
};

absl::Status LoadInto(MemoryQueryable& store, const LoadCommand& load);

absl::StatusOr<std::vector<Command>> ParseScript(std::string_view text);

// Runs all of it over an engine; the first thing that is not as expected is the error, with line.
absl::Status RunScript(std::string_view text);

}  // namespace leadline::collector::promqltest
