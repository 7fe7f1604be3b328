// The table of PromQL functions: signatures, for the parser, and kernels, for the evaluation.
//
// The rows are in functions.def. Constant data; thread-safe.
#pragma once

#include <string_view>
#include <variant>

#include "absl/types/span.h"

#include "collector/promql/functions/window.h"
#include "collector/promql/value/sample.h"
#include "collector/promql/value/value_type.h"

namespace leadline::collector::promql {

struct Unsupported {};

// From a window of one series to that series' value at the step, absent where there is none.
using RangeKernel = Sample (*)(const Window& window);

using Kernel = std::variant<Unsupported, RangeKernel>;

struct Function {
  std::string_view name;
  std::string_view arguments;  // letters; see functions.def
  int variadic = 0;
  char returns = 'v';
  Kernel kernel;

  bool supported() const { return !std::holds_alternative<Unsupported>(kernel); }
  ValueType return_type() const { return TypeOf(returns); }
  size_t min_arguments() const;
  bool repeats_last() const { return variadic < 0; }
  // REQUIRES: the function takes that many arguments.
  ValueType argument_type(size_t index) const;

  static ValueType TypeOf(char letter);
};

// In the order of functions.def.
absl::Span<const Function> Functions();

// nullptr where there is none of that name.
const Function* FindFunction(std::string_view name);

}  // namespace leadline::collector::promql
