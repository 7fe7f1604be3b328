#include "collector/promql/plan/named_labels.h"

#include <set>

namespace leadline::collector::promql::plan {
namespace {

using parse::As;
using parse::ExprKind;

void Gather(const parse::Expr& expr, std::set<std::string>& names) {
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kString:
      return;
    case ExprKind::kVectorSelector:
      for (const auto& matcher : As<parse::VectorSelector>(expr).matchers) {
        names.insert(matcher.name);
      }
      return;
    case ExprKind::kMatrixSelector:
      return Gather(*As<parse::MatrixSelector>(expr).selector, names);
    case ExprKind::kSubquery:
      return Gather(*As<parse::Subquery>(expr).inner, names);
    case ExprKind::kParen:
      return Gather(*As<parse::Paren>(expr).inner, names);
    case ExprKind::kUnary:
      return Gather(*As<parse::Unary>(expr).inner, names);
    case ExprKind::kBinary: {
      const auto& binary = As<parse::Binary>(expr);
      if (binary.matching.has_value()) {
        names.insert(binary.matching->labels.begin(), binary.matching->labels.end());
        names.insert(binary.matching->include.begin(), binary.matching->include.end());
      }
      Gather(*binary.left, names);
      return Gather(*binary.right, names);
    }
    case ExprKind::kAggregate: {
      const auto& aggregate = As<parse::Aggregate>(expr);
      names.insert(aggregate.labels.begin(), aggregate.labels.end());
      if (aggregate.parameter != nullptr) Gather(*aggregate.parameter, names);
      return Gather(*aggregate.inner, names);
    }
    case ExprKind::kCall:
      for (const auto& argument : As<parse::Call>(expr).arguments) Gather(*argument, names);
      return;
  }
}

}  // namespace

std::vector<std::string> NamedLabels(const parse::Expr& expr) {
  std::set<std::string> names;
  Gather(expr, names);
  return {names.begin(), names.end()};
}

}  // namespace leadline::collector::promql::plan
