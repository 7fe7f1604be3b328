// sort, sort_desc, sort_by_label and sort_by_label_desc: the series of an instant query in an order
// that the query asks for. Over a range there is no such order, and results come in order of
// labels.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

// By value, NaN last, histograms left out.
absl::Status EvaluateSort(Context& context, const parse::Expr& vector, bool descending, Emit emit);

// By the values of the named labels, the first counts most, in natural order; where all are equal
// by all labels.
absl::Status EvaluateSortByLabel(Context& context, const parse::Expr& vector,
                                 const std::vector<std::string>& labels, bool descending,
                                 Emit emit);

// Whether `a` is before `b` where digits count as the number that they are: "pod2" is before
// "pod10".
bool NaturallyBefore(std::string_view a, std::string_view b);

}  // namespace leadline::collector::promql::exec
