#include "collector/promql/query_selectors.h"

#include "collector/promql/exec/matchers.h"
#include "collector/promql/parse/ast.h"
#include "collector/promql/parse/parser.h"
#include "common/status_macros.h"

namespace leadline::collector::promql {
namespace {

using parse::As;
using parse::Expr;
using parse::ExprKind;
using Selectors = std::vector<std::vector<store::Matcher>>;

void AddSelectors(const Expr& expr, Selectors& out) {
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kString:
      return;
    case ExprKind::kVectorSelector: {
      const auto& selector = As<parse::VectorSelector>(expr);
      if (!selector.may_match_all) out.push_back(exec::StoreMatchers(selector.matchers));
      return;
    }
    case ExprKind::kMatrixSelector:
      return AddSelectors(*As<parse::MatrixSelector>(expr).selector, out);
    case ExprKind::kSubquery:
      return AddSelectors(*As<parse::Subquery>(expr).inner, out);
    case ExprKind::kParen:
      return AddSelectors(*As<parse::Paren>(expr).inner, out);
    case ExprKind::kUnary:
      return AddSelectors(*As<parse::Unary>(expr).inner, out);
    case ExprKind::kBinary:
      AddSelectors(*As<parse::Binary>(expr).left, out);
      return AddSelectors(*As<parse::Binary>(expr).right, out);
    case ExprKind::kAggregate: {
      const auto& aggregate = As<parse::Aggregate>(expr);
      if (aggregate.parameter != nullptr) AddSelectors(*aggregate.parameter, out);
      return AddSelectors(*aggregate.inner, out);
    }
    case ExprKind::kCall:
      for (const parse::ExprPtr& argument : As<parse::Call>(expr).arguments) {
        AddSelectors(*argument, out);
      }
      return;
  }
}

}  // namespace

absl::StatusOr<Selectors> ParseQuerySelectors(std::string_view query) {
  LL_ASSIGN_OR_RETURN(const parse::ExprPtr expr, parse::Parse(query));
  Selectors selectors;
  AddSelectors(*expr, selectors);
  return selectors;
}

}  // namespace leadline::collector::promql
