// A query explained: its tree with what was planned for each part and what each part took.
//
// Plain values. Times are seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/promql/exec/trace.h"
#include "collector/promql/parse/ast.h"
#include "collector/promql/plan/plan.h"
#include "collector/store/store.h"

namespace leadline::collector::promql {

struct ExplainedRead {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  store::ReadCounts counts;
  double find_seconds = 0;  // looking series up
  double read_seconds = 0;  // reading and decoding samples; of all threads
  double make_seconds = 0;  // making values at steps of them; of all threads
};

struct ExplainedNode {
  std::string what;               // "aggregate", "call", "selector", …
  std::string text;               // in PromQL
  std::vector<std::string> plan;  // what was decided, in words
  uint64_t evaluations = 0;       // 0: the query did not come here
  uint64_t series = 0;            // that it gave
  double seconds = 0;             // of the query's thread, without its children
  std::optional<ExplainedRead> read;
  std::vector<ExplainedNode> children;
};

struct Explanation {
  ExplainedNode root;
  double seconds = 0;
  uint64_t steps = 0;
  uint64_t peak_bytes = 0;  // that it held, of what is accounted
  uint64_t series = 0;      // of the result
  uint64_t samples = 0;
};

ExplainedNode Explain(const parse::Expr& expr, const plan::Plan& plan, const exec::Trace& trace);

}  // namespace leadline::collector::promql
