#include "collector/promql/format_query.h"

#include "collector/promql/parse/parser.h"
#include "collector/promql/parse/print.h"
#include "common/status_macros.h"

namespace leadline::collector::promql {

absl::StatusOr<std::string> FormatQuery(std::string_view query) {
  LL_ASSIGN_OR_RETURN(const parse::ExprPtr expr, parse::Parse(query));
  return parse::PrettyPrint(*expr);
}

}  // namespace leadline::collector::promql
