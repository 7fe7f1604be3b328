#include "collector/promql/exec/sort.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/functional/function_ref.h"

#include "collector/promql/exec/evaluator.h"
#include "collector/promql/exec/place.h"
#include "collector/promql/value/remarks.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

using Before = absl::FunctionRef<bool(const StepSeries& a, const StepSeries& b)>;

// The series of an instant query in that order; those over a range as they come. `change` is
// applied to each first; one that has nothing left is dropped.
absl::Status Sorted(Context& context, const parse::Expr& vector, Emit emit,
                    absl::FunctionRef<void(StepSeries&)> change, Before before) {
  if (context.query_step_ms > 0) RemarkerOn(context, vector).Warn(remarks::SortOverRange());
  std::vector<StepSeries> all;
  Holding held(context.budget);
  LL_RETURN_IF_ERROR(Evaluator(context).Vector(vector, "", [&](StepSeries series) {
    change(series);
    if (!series.HasAny()) return absl::OkStatus();
    if (context.steps() > 1) return emit(std::move(series));
    LL_RETURN_IF_ERROR(held.Add(series.sample_count(), series.other_bytes()));
    all.push_back(std::move(series));
    return absl::OkStatus();
  }));
  std::stable_sort(all.begin(), all.end(), before);
  for (StepSeries& series : all) {
    held.GiveBack(series.sample_count(), series.other_bytes());
    LL_RETURN_IF_ERROR(emit(std::move(series)));
  }
  return absl::OkStatus();
}

bool IsDigitAt(std::string_view text, size_t at) {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

// The digits from `at` on, without the zeros that they begin with. Moves `at` behind them.
std::string_view TakeNumber(std::string_view text, size_t& at) {
  while (IsDigitAt(text, at) && text[at] == '0') ++at;
  const size_t begin = at;
  while (IsDigitAt(text, at)) ++at;
  return text.substr(begin, at - begin);
}

}  // namespace

absl::Status EvaluateSort(Context& context, const parse::Expr& vector, bool descending, Emit emit) {
  const auto before = [descending](const StepSeries& a, const StepSeries& b) {
    const double left = a.values.front();
    const double right = b.values.front();
    if (std::isnan(left) || std::isnan(right)) return !std::isnan(left) && std::isnan(right);
    return descending ? left > right : left < right;
  };
  return Sorted(
      context, vector, emit, [](StepSeries& series) { series.histograms.clear(); }, before);
}

absl::Status EvaluateSortByLabel(Context& context, const parse::Expr& vector,
                                 const std::vector<std::string>& labels, bool descending,
                                 Emit emit) {
  const auto ascends = [&labels](const StepSeries& a, const StepSeries& b) {
    const LabelSet& left = *a.labels;
    const LabelSet& right = *b.labels;
    for (const std::string& label : labels) {
      if (NaturallyBefore(left.Get(label), right.Get(label))) return true;
      if (NaturallyBefore(right.Get(label), left.Get(label))) return false;
    }
    return left < right;
  };
  return Sorted(
      context, vector, emit, [](StepSeries&) {},
      [&](const StepSeries& a, const StepSeries& b) {
        return descending ? ascends(b, a) : ascends(a, b);
      });
}

bool NaturallyBefore(std::string_view a, std::string_view b) {
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (IsDigitAt(a, i) && IsDigitAt(b, j)) {
      const std::string_view left = TakeNumber(a, i);
      const std::string_view right = TakeNumber(b, j);
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
      continue;
    }
    if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
    ++i;
    ++j;
  }
  return a.size() - i < b.size() - j;
}

}  // namespace leadline::collector::promql::exec
