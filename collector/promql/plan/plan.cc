#include "collector/promql/plan/plan.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "collector/promql/plan/named_labels.h"

namespace leadline::collector::promql::plan {
namespace {

using parse::As;
using parse::Expr;
using parse::ExprKind;
using store::ShownLabels;

bool KeepsSeries(parse::AggregateOp op) {
  using Op = parse::AggregateOp;
  return op == Op::kTopk || op == Op::kBottomk || op == Op::kLimitk || op == Op::kLimitRatio;
}

// The kernels that look at the time of the step: those of functions without an argument that is a
// vector, and predict_linear's.
bool LooksAtTime(const parse::Call& call) {
  const auto has_vector = [&] {
    return std::any_of(call.arguments.begin(), call.arguments.end(), [](const auto& argument) {
      return argument->type == ValueType::kInstantVector ||
             argument->type == ValueType::kRangeVector;
    });
  };
  if (std::holds_alternative<ElementFunction>(call.function.kernel)) return !has_vector();
  if (const Form* const form = std::get_if<Form>(&call.function.kernel)) {
    return *form == Form::kTime || *form == Form::kTimestamp || *form == Form::kInfo;
  }
  return call.function.name == "predict_linear";
}

// Samples as they are, in windows that move on with the steps.
bool IsPlainRange(const Expr& argument) {
  const Expr& inner = parse::Unwrap(argument);
  if (inner.kind != ExprKind::kMatrixSelector) return false;
  const parse::VectorSelector& selector = *As<parse::MatrixSelector>(inner).selector;
  return selector.edges == parse::Edges::kPlain &&
         selector.modifier.at == parse::TimeModifier::At::kNone;
}

}  // namespace

class Planner {
 public:
  explicit Planner(Plan& plan) : plan_(plan) {}

  // --- Label projection, order and hints: from above, down to the selectors ---

  void PlanSelectors(const Expr& expr, const SelectorPlan& wanted) {
    switch (expr.kind) {
      case ExprKind::kNumber:
      case ExprKind::kString:
        return;
      case ExprKind::kVectorSelector:
        return PlanSelector(As<parse::VectorSelector>(expr), wanted);
      case ExprKind::kMatrixSelector:
        return PlanSelectors(*As<parse::MatrixSelector>(expr).selector, wanted);
      case ExprKind::kSubquery:
        return PlanSelectors(*As<parse::Subquery>(expr).inner, Without(wanted, ""));
      case ExprKind::kParen:
        return PlanSelectors(*As<parse::Paren>(expr).inner, wanted);
      case ExprKind::kUnary:
        return PlanSelectors(*As<parse::Unary>(expr).inner, Without(wanted, ""));
      case ExprKind::kBinary:
        return PlanBinary(As<parse::Binary>(expr), wanted);
      case ExprKind::kAggregate:
        return PlanAggregate(As<parse::Aggregate>(expr));
      case ExprKind::kCall:
        return PlanCall(As<parse::Call>(expr), wanted);
    }
  }

  // --- What is the same at every step: from below ---

  enum class At : uint8_t { kAnyStep, kLiteral, kFixed };

  At PlanFixed(const Expr& expr) {
    const At at = AtOf(expr);
    if (at == At::kFixed) plan_.fixed_.insert(&expr);
    return at;
  }

 private:
  static SelectorPlan All(std::string_view function, bool sorted) {
    return {std::string(function), {}, sorted};
  }
  // For an operand whose labels the operator passes on as they are.
  static SelectorPlan Without(SelectorPlan wanted, std::string_view function) {
    wanted.function = function;
    wanted.summed = false;
    wanted.presence = false;
    wanted.columns = false;
    return wanted;
  }

  void PlanSelector(const parse::VectorSelector& selector, SelectorPlan wanted) {
    // Between samples values are computed.
    if (selector.edges != parse::Edges::kPlain) wanted.presence = false;
    plan_.selectors_.emplace(&selector, std::move(wanted));
  }

  void PlanBinary(const parse::Binary& binary, const SelectorPlan& wanted) {
    for (const auto& [side, other] :
         {std::pair(&binary.left, &binary.right), std::pair(&binary.right, &binary.left)}) {
      const bool with_scalar = (*other)->type == ValueType::kScalar;
      PlanSelectors(**side, with_scalar ? Without(wanted, "") : All("", wanted.sorted));
    }
  }

  void PlanAggregate(const parse::Aggregate& aggregate) {
    const std::string_view function = parse::AggregateOpName(aggregate.op);
    if (aggregate.parameter != nullptr) PlanSelectors(*aggregate.parameter, All("", false));
    if (KeepsSeries(aggregate.op)) return PlanSelectors(*aggregate.inner, All(function, true));
    SelectorPlan inner{std::string(function), {}, false};
    inner.summed = aggregate.op == parse::AggregateOp::kSum;
    inner.presence =
        aggregate.op == parse::AggregateOp::kCount || aggregate.op == parse::AggregateOp::kGroup;
    inner.shown.which = aggregate.without ? ShownLabels::Which::kBut : ShownLabels::Which::kOnly;
    inner.shown.names = aggregate.labels;
    std::sort(inner.shown.names.begin(), inner.shown.names.end());
    inner.shown.names.erase(std::unique(inner.shown.names.begin(), inner.shown.names.end()),
                            inner.shown.names.end());
    PlanSelectors(*aggregate.inner, inner);
  }

  void PlanCall(const parse::Call& call, const SelectorPlan& wanted) {
    for (const parse::ExprPtr& argument : call.arguments) {
      PlanSelectors(*argument, ForArgument(call, *argument, wanted));
    }
  }

  static SelectorPlan ForArgument(const parse::Call& call, const Expr& argument,
                                  const SelectorPlan& wanted) {
    const std::string_view name = call.function.name;
    if (argument.type == ValueType::kScalar) return All("", false);
    if (const auto* const range = std::get_if<RangeFunction>(&call.function.kernel)) {
      SelectorPlan of_range = Without(wanted, name);
      of_range.columns = range->sliding_histograms != nullptr && IsPlainRange(argument);
      of_range.summed = of_range.columns && wanted.summed;
      return of_range;
    }
    if (!std::holds_alternative<Form>(call.function.kernel)) return Without(wanted, name);
    switch (std::get<Form>(call.function.kernel)) {
      case Form::kAbsent:
      case Form::kAbsentOverTime:
      case Form::kScalar:
        // Whether there is a series, and how many.
        return {std::string(name), {ShownLabels::Which::kOnly, {}}, false};
      case Form::kTimestamp:
        return Without(wanted, name);
      default:
        return All(name, true);
    }
  }

  static At Both(At a, At b) {
    if (a == At::kAnyStep || b == At::kAnyStep) return At::kAnyStep;
    return a == At::kFixed || b == At::kFixed ? At::kFixed : At::kLiteral;
  }

  At AtOf(const Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kNumber:
      case ExprKind::kString:
        return At::kLiteral;
      case ExprKind::kVectorSelector:
        return AtOf(As<parse::VectorSelector>(expr).modifier);
      case ExprKind::kMatrixSelector:
        return PlanFixed(*As<parse::MatrixSelector>(expr).selector);
      case ExprKind::kSubquery: {
        // Its inner expression has steps of its own, and may be fixed among them.
        const auto& subquery = As<parse::Subquery>(expr);
        PlanFixed(*subquery.inner);
        return AtOf(subquery.modifier);
      }
      case ExprKind::kParen:
        return PlanFixed(*As<parse::Paren>(expr).inner);
      case ExprKind::kUnary:
        return PlanFixed(*As<parse::Unary>(expr).inner);
      case ExprKind::kBinary: {
        const At left = PlanFixed(*As<parse::Binary>(expr).left);
        return Both(left, PlanFixed(*As<parse::Binary>(expr).right));
      }
      case ExprKind::kAggregate: {
        const auto& aggregate = As<parse::Aggregate>(expr);
        const At inner = PlanFixed(*aggregate.inner);
        if (aggregate.parameter == nullptr) return inner;
        return Both(inner, PlanFixed(*aggregate.parameter));
      }
      case ExprKind::kCall: {
        const auto& call = As<parse::Call>(expr);
        At all = At::kLiteral;
        for (const parse::ExprPtr& argument : call.arguments) {
          all = Both(all, PlanFixed(*argument));
        }
        return LooksAtTime(call) ? At::kAnyStep : all;
      }
    }
    return At::kAnyStep;
  }
  static At AtOf(const parse::TimeModifier& modifier) {
    return modifier.at == parse::TimeModifier::At::kNone ? At::kAnyStep : At::kFixed;
  }

  Plan& plan_;
};

const SelectorPlan& Plan::Of(const parse::VectorSelector& selector) const {
  static const auto* const kAny = new SelectorPlan{"", {}, true};
  const auto it = selectors_.find(&selector);
  return it == selectors_.end() ? *kAny : it->second;
}

Plan Plan::Make(const parse::Expr& expr) {
  Plan plan;
  plan.named_labels_ = NamedLabels(expr);
  Planner planner(plan);
  planner.PlanSelectors(expr, {});
  planner.PlanFixed(expr);
  return plan;
}

}  // namespace leadline::collector::promql::plan
