// The figures of a parser as texts, for expectations.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include <fmt/format.h>

#include "agent/source/node/figure.h"

namespace leadline::agent::source {

using Parse = std::function<absl::Status(std::string_view text, FigureSink sink)>;

// Each figure as "name{label=value,...} value", in their order.
inline std::vector<std::string> Figures(const Parse& parse, std::string_view text,
                                        absl::Status* status = nullptr) {
  std::vector<std::string> figures;
  const absl::Status result =
      parse(text, [&](std::string_view metric, absl::Span<const FigureLabel> labels, double value) {
        std::string all;
        for (const FigureLabel& label : labels) {
          all += fmt::format("{}{}={}", all.empty() ? "" : ",", label.name, label.value);
        }
        figures.push_back(fmt::format("{}{{{}}} {:.10g}", metric, all, value));
      });
  if (status != nullptr) *status = result;
  return figures;
}

}  // namespace leadline::agent::source
