#include "collector/api/route_list.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "common/version.h"

namespace leadline::collector::api {
namespace {

struct Line {
  std::string methods;
  std::string_view pattern;
  std::string_view summary;
};

std::vector<Line> LinesOf(absl::Span<const http::Route> routes) {
  std::vector<Line> lines;
  for (const http::Route& route : routes) {
    const auto known = std::find_if(lines.begin(), lines.end(), [&route](const Line& line) {
      return line.pattern == route.pattern;
    });
    if (known == lines.end()) {
      lines.push_back({route.method, route.pattern, route.about.summary});
    } else {
      known->methods += ", " + route.method;
    }
  }
  return lines;
}

}  // namespace

std::string RouteList(absl::Span<const http::Route> routes) {
  const std::vector<Line> lines = LinesOf(routes);
  size_t methods = 0;
  size_t pattern = 0;
  for (const Line& line : lines) {
    methods = std::max(methods, line.methods.size());
    pattern = std::max(pattern, line.pattern.size());
  }
  std::string text = fmt::format("Leadline collector {}\n\n", kVersion);
  for (const Line& line : lines) {
    text += fmt::format("{:<{}}  {:<{}}  {}\n", line.methods, methods, line.pattern, pattern,
                        line.summary);
  }
  return text;
}

}  // namespace leadline::collector::api
