// Selectors and lists of labels. Internal to the parser.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/promql/parse/ast.h"
#include "collector/promql/parse/token_stream.h"

namespace leadline::collector::promql::parse {

// `{a="b", "metric name", …}`, after the metric's `name` where there was one; the braces may be
// missing then. `start` is where the whole begins.
ExprPtr ParseVectorSelector(TokenStream& tokens, std::optional<std::string> name, uint32_t start);

// `(a, "b", c,)`, as after "by" and "on"; appends to `labels`.
bool ParseLabelList(TokenStream& tokens, std::vector<std::string>& labels);

}  // namespace leadline::collector::promql::parse
