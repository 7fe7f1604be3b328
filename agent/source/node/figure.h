// A figure of the node under node-exporter's name, as a parser hands it on.
//
// Views point into the parsed text and are valid during the call only.
#pragma once

#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"

namespace leadline::agent::source {

struct FigureLabel {
  std::string_view name;
  std::string_view value;
};

using FigureSink = absl::FunctionRef<void(std::string_view metric,
                                          absl::Span<const FigureLabel> labels, double value)>;

}  // namespace leadline::agent::source
