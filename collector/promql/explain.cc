#include "collector/promql/explain.h"

#include <utility>

#include "absl/strings/str_join.h"
#include <fmt/format.h>

#include "collector/promql/parse/print.h"

namespace leadline::collector::promql {
namespace {

using parse::As;
using parse::ExprKind;

std::string_view KindName(ExprKind kind) {
  switch (kind) {
    case ExprKind::kNumber:
      return "number";
    case ExprKind::kString:
      return "string";
    case ExprKind::kVectorSelector:
      return "selector";
    case ExprKind::kMatrixSelector:
      return "range selector";
    case ExprKind::kSubquery:
      return "subquery";
    case ExprKind::kParen:
      return "parentheses";
    case ExprKind::kUnary:
      return "unary operator";
    case ExprKind::kBinary:
      return "binary operator";
    case ExprKind::kAggregate:
      return "aggregation";
    case ExprKind::kCall:
      return "call";
  }
  return "?";
}

std::vector<std::string> NotesOf(const plan::SelectorPlan& selector) {
  using Which = store::ShownLabels::Which;
  std::vector<std::string> notes;
  const std::string names = absl::StrJoin(selector.shown.names, ", ");
  if (selector.shown.which == Which::kOnly) {
    notes.push_back(names.empty() ? "without labels" : fmt::format("only the labels {}", names));
  } else if (selector.shown.which == Which::kBut && !names.empty()) {
    notes.push_back(fmt::format("without the labels {}", names));
  }
  if (selector.sorted) notes.emplace_back("in order of labels");
  if (!selector.function.empty()) notes.push_back(fmt::format("for {}", selector.function));
  return notes;
}

ExplainedRead ReadOf(const exec::Trace::Node& node) {
  const auto seconds = [](const std::atomic<int64_t>& ns) {
    return static_cast<double>(ns.load(std::memory_order_relaxed)) / 1e9;
  };
  return {node.start_ms,         node.end_ms,           node.read,
          seconds(node.find_ns), seconds(node.read_ns), seconds(node.make_ns)};
}

class Explainer {
 public:
  Explainer(const plan::Plan& plan, const exec::Trace& trace) : plan_(plan), trace_(trace) {}

  ExplainedNode Explain(const parse::Expr& expr) const {
    ExplainedNode node;
    node.what = KindName(expr.kind);
    node.text = parse::Print(expr);
    if (plan_.IsFixed(expr)) node.plan.emplace_back("the same at every step");
    if (const exec::Trace::Node* const traced = trace_.Find(expr)) {
      node.evaluations = traced->evaluations;
      node.series = traced->series;
      node.seconds = absl::ToDoubleSeconds(traced->own_time);
      if (expr.kind == ExprKind::kVectorSelector) node.read = ReadOf(*traced);
    }
    if (expr.kind == ExprKind::kVectorSelector) {
      for (std::string& note : NotesOf(plan_.Of(As<parse::VectorSelector>(expr)))) {
        node.plan.push_back(std::move(note));
      }
    }
    for (const parse::Expr* child : ChildrenOf(expr)) node.children.push_back(Explain(*child));
    return node;
  }

 private:
  static std::vector<const parse::Expr*> ChildrenOf(const parse::Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kNumber:
      case ExprKind::kString:
      case ExprKind::kVectorSelector:
        return {};
      case ExprKind::kMatrixSelector:
        return {As<parse::MatrixSelector>(expr).selector.get()};
      case ExprKind::kSubquery:
        return {As<parse::Subquery>(expr).inner.get()};
      case ExprKind::kParen:
        return {As<parse::Paren>(expr).inner.get()};
      case ExprKind::kUnary:
        return {As<parse::Unary>(expr).inner.get()};
      case ExprKind::kBinary:
        return {As<parse::Binary>(expr).left.get(), As<parse::Binary>(expr).right.get()};
      case ExprKind::kAggregate: {
        const auto& aggregate = As<parse::Aggregate>(expr);
        if (aggregate.parameter == nullptr) return {aggregate.inner.get()};
        return {aggregate.parameter.get(), aggregate.inner.get()};
      }
      case ExprKind::kCall: {
        std::vector<const parse::Expr*> arguments;
        for (const auto& argument : As<parse::Call>(expr).arguments) {
          arguments.push_back(argument.get());
        }
        return arguments;
      }
    }
    return {};
  }

  const plan::Plan& plan_;
  const exec::Trace& trace_;
};

}  // namespace

ExplainedNode Explain(const parse::Expr& expr, const plan::Plan& plan, const exec::Trace& trace) {
  return Explainer(plan, trace).Explain(expr);
}

}  // namespace leadline::collector::promql
