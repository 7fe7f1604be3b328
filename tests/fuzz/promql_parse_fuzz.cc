// PromQL: any text parses or is refused with a place; what parses is evaluated or refused, and is
// the same again once it is printed.
#include <cstdlib>
#include <string>
#include <string_view>

#include "collector/promql/engine.h"
#include "collector/promql/parse/parser.h"
#include "collector/promql/parse/print.h"
#include "tests/promql/memory_queryable.h"
#include "tests/promql/script.h"

namespace {

using leadline::collector::promql::Engine;
using leadline::collector::promqltest::LoadCommand;
using leadline::collector::promqltest::LoadInto;
using leadline::collector::promqltest::MemoryQueryable;

const MemoryQueryable& Store() {
  static const MemoryQueryable* const store = [] {
    auto* made = new MemoryQueryable();
    LoadCommand load;
    load.interval_ms = 10'000;
    load.entity_end_ms = leadline::collector::model::kOpenEnd;
    load.series = {{"a{b=\"1\"}", "0+1x20 stale _x3 5 NaN Inf"},
                   {"a{b=\"2\"}", "5 4 3 {{schema:1 count:3 sum:2 buckets:[1 2]}}x5"},
                   {"c{b=\"1\"}", "_x5 {{schema:0 count:4 sum:2 z_bucket:1 buckets:[1 2]}}x9"},
                   {"d{b=\"1\"}",
                    "{{schema:-53 count:4 sum:2 custom_values:[1 2] buckets:[1 2 1]}}x9 "
                    "{{schema:-53 count:4 sum:2 custom_values:[2 3] buckets:[1 2 1]}}x9"},
                   {"target_info{instance=\"x\", b=\"2\"}", "1x20"},
                   {"e{instance=\"x\"}", "1x20"}};
    if (!LoadInto(*made, load).ok()) abort();
    return made;
  }();
  return *store;
}

void CheckPrinted(const leadline::collector::promql::parse::Expr& expr) {
  using leadline::collector::promql::parse::Parse;
  using leadline::collector::promql::parse::PrettyPrint;
  using leadline::collector::promql::parse::Print;
  const std::string printed = Print(expr);
  if (printed.size() > leadline::collector::promql::parse::kMaxQueryBytes) return;
  const auto again = Parse(printed);
  if (!again.ok() || Print(**again) != printed) abort();
  const auto pretty = Parse(PrettyPrint(expr));
  if (pretty.ok() && Print(**pretty) != printed) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  const auto expr = leadline::collector::promql::parse::Parse(query);
  if (!expr.ok() && expr.status().message().find(": parse error: ") == absl::string_view::npos) {
    abort();
  }
  if (expr.ok()) CheckPrinted(**expr);
  const Engine engine(Store(), {.max_samples = 10'000});
  (void)engine.Instant("t", query, 100'000);
  (void)engine.Range("t", query, 0, 250'000, 25'000);
  return 0;
}
