// What is known of a query before it runs, beside its syntax tree: what each selector has to give,
// and what is the same at every step.
//
// A plan is made by passes (plan.cc) over the tree, which stays as it is and must outlive the plan.
// Immutable once made; free to share between threads.
#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

#include "collector/promql/parse/ast.h"
#include "collector/store/store.h"

namespace leadline::collector::promql::plan {

struct SelectorPlan {
  std::string function;      // the innermost function or aggregation over it, or ""
  store::ShownLabels shown;  // that anything above it looks at
  bool sorted = false;       // whether the order of its series makes a difference
  // Of a matrix selector's: the function takes histograms as columns, and what it makes of a window
  // goes nowhere but into a sum.
  bool columns = false;
  bool summed = false;
  // Of an instant selector: its series are counted, so that their values make no difference.
  bool presence = false;
};

class Plan {
 public:
  static Plan Make(const parse::Expr& expr);

  // Of a selector of the tree, also of a matrix selector's; of any other what is always right.
  const SelectorPlan& Of(const parse::VectorSelector& selector) const;
  // Whether the expression has the same value at every step though it is no literal: "@" fixes all
  // that it selects, and nothing asks what time it is.
  bool IsFixed(const parse::Expr& expr) const { return fixed_.contains(&expr); }
  // By the whole query.
  const std::vector<std::string>& named_labels() const { return named_labels_; }

 private:
  friend class Planner;

  absl::flat_hash_map<const parse::VectorSelector*, SelectorPlan> selectors_;
  absl::flat_hash_set<const parse::Expr*> fixed_;
  std::vector<std::string> named_labels_;
};

}  // namespace leadline::collector::promql::plan
