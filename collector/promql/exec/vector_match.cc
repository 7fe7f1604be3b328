#include "collector/promql/exec/vector_match.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "collector/promql/exec/binary.h"
#include "collector/promql/exec/distinct.h"
#include "collector/promql/exec/grouping.h"
#include "collector/promql/exec/place.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

using parse::VectorMatching;
using Cardinality = VectorMatching::Cardinality;

VectorMatching MatchingOf(const parse::Binary& binary) {
  return binary.matching.value_or(VectorMatching());
}

class Matcher {
 public:
  Matcher(Context& context, const parse::Binary& binary)
      : context_(context),
        held_(context.budget),
        matching_(MatchingOf(binary)),
        returns_bool_(binary.returns_bool),
        op_(binary.op, binary.returns_bool, ElementOperator::Kept::kLeft,
            RemarkerOn(context, binary)),
        grouping_(context.budget, !matching_.on, matching_.labels),
        result_(context, one_to_one() ? kManyToOne : kNotUnique) {}

  absl::Status AddOne(StepSeries series) {
    LL_RETURN_IF_ERROR(held_.Add(series.sample_count(), series.other_bytes()));
    LL_ASSIGN_OR_RETURN(const size_t group, grouping_.GroupOf(series));
    if (group == groups_.size()) groups_.emplace_back();
    const size_t index = ones_.size();
    for (const size_t other : groups_[group].ones) {
      for (size_t step = 0; step < context_.steps(); ++step) {
        if (series.has(step) && ones_[other].has(step)) {
          if (duplicates_.empty()) {
            LL_RETURN_IF_ERROR(held_.Add(0, context_.steps() * sizeof(Duplicate)));
            duplicates_.resize(context_.steps());
          }
          duplicates_[step] = {.found = true, .group = group, .first = other, .second = index};
        }
      }
    }
    groups_[group].ones.push_back(index);
    ones_.push_back(std::move(series));
    return absl::OkStatus();
  }

  absl::Status AddMany(const StepSeries& many) {
    for (size_t step = 0; step < duplicates_.size(); ++step) {
      if (duplicates_[step].found && many.has(step)) return DuplicateError(duplicates_[step]);
    }
    LL_ASSIGN_OR_RETURN(const size_t number, grouping_.GroupOf(many));
    if (fill_one().has_value() && number >= groups_.size()) groups_.resize(number + 1);
    if (number >= groups_.size()) return absl::OkStatus();  // nothing on the other side
    Group& group = groups_[number];
    for (const size_t one : group.ones) LL_RETURN_IF_ERROR(Meet(many, ones_[one], number));
    if (fill_many().has_value()) LL_RETURN_IF_ERROR(NoteMany(many, group));
    if (fill_one().has_value()) return MeetFilledOne(many, number);
    return absl::OkStatus();
  }

  absl::Status Finish(Emit emit) {
    for (size_t number = 0; fill_many().has_value() && number < groups_.size(); ++number) {
      for (const size_t one : groups_[number].ones) {
        LL_RETURN_IF_ERROR(MeetFilledMany(ones_[one], number));
      }
    }
    ones_ = {};
    groups_ = {};
    duplicates_ = {};
    held_.GiveBackAll();
    return result_.Finish(emit);
  }

 private:
  static constexpr std::string_view kManyToOne =
      "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
  static constexpr std::string_view kNotUnique =
      "multiple matches for labels: grouping labels must ensure unique matches";

  struct Group {
    std::vector<size_t> ones;   // indexes of ones_
    std::vector<bool> matched;  // one to one: at which steps there is a result already
    std::vector<bool> many;     // at which steps there is any on the other side, where it is filled
  };
  struct Duplicate {
    bool found = false;
    size_t group = 0, first = 0, second = 0;
  };

  bool one_to_one() const { return matching_.cardinality == Cardinality::kOneToOne; }

  bool swapped() const { return matching_.cardinality == Cardinality::kOneToMany; }
  const std::optional<double>& fill_many() const {
    return swapped() ? matching_.fill_right : matching_.fill_left;
  }
  const std::optional<double>& fill_one() const {
    return swapped() ? matching_.fill_left : matching_.fill_right;
  }

  absl::Status NoteMany(const StepSeries& many, Group& group) {
    if (group.many.empty()) {
      LL_RETURN_IF_ERROR(held_.Add(context_.steps() / 64 + 1));
      group.many.resize(context_.steps());
    }
    for (size_t step = 0; step < group.many.size(); ++step) {
      if (many.has(step)) group.many[step] = true;
    }
    return absl::OkStatus();
  }

  // A series that stands in for those of the match that are missing.
  StepSeries Filled(size_t number) const {
    StepSeries filled(context_.steps());
    filled.labels = grouping_.labels(number);
    return filled;
  }

  absl::Status MeetFilledOne(const StepSeries& many, size_t number) {
    StepSeries filled = Filled(number);
    for (size_t step = 0; step < filled.values.size(); ++step) {
      const std::vector<size_t>& ones = groups_[number].ones;
      const bool missing =
          std::none_of(ones.begin(), ones.end(), [&](size_t one) { return ones_[one].has(step); });
      if (missing) filled.values[step] = *fill_one();
    }
    return Meet(many, filled, number);
  }

  absl::Status MeetFilledMany(const StepSeries& one, size_t number) {
    StepSeries filled = Filled(number);
    const std::vector<bool>& many = groups_[number].many;
    for (size_t step = 0; step < filled.values.size(); ++step) {
      if (many.empty() || !many[step]) filled.values[step] = *fill_many();
    }
    return Meet(filled, one, number);
  }

  absl::Status DuplicateError(const Duplicate& duplicate) const {
    return absl::FailedPreconditionError(fmt::format(
        "found duplicate series for the match group {} on the {} hand-side of the operation: [{}, "
        "{}];many-to-many matching not allowed: matching labels must be unique on one side",
        grouping_.labels(duplicate.group)->ToString(), swapped() ? "left" : "right",
        ones_[duplicate.second].VisibleLabels().ToString(),
        ones_[duplicate.first].VisibleLabels().ToString()));
  }

  absl::Status Meet(const StepSeries& many, const StepSeries& one, size_t number) {
    StepSeries result(context_.steps());
    for (size_t step = 0; step < result.values.size(); ++step) {
      if (!many.has(step) || !one.has(step)) continue;
      result.Set(step, swapped() ? op_.Samples(one.sample(step), many.sample(step))
                                 : op_.Samples(many.sample(step), one.sample(step)));
    }
    if (!result.HasAny()) return absl::OkStatus();
    if (one_to_one()) LL_RETURN_IF_ERROR(MarkMatched(groups_[number], result));
    SetLabels(many, one, number, result);
    return result_.Add(std::move(result));
  }

  absl::Status MarkMatched(Group& group, const StepSeries& result) {
    if (group.matched.empty()) {
      LL_RETURN_IF_ERROR(held_.Add(context_.steps() / 64 + 1));
      group.matched.resize(context_.steps());
    }
    for (size_t step = 0; step < group.matched.size(); ++step) {
      if (!result.has(step)) continue;
      if (group.matched[step]) return absl::FailedPreconditionError(fmt::format("{}", kManyToOne));
      group.matched[step] = true;
    }
    return absl::OkStatus();
  }

  void SetLabels(const StepSeries& many, const StepSeries& one, size_t number,
                 StepSeries& result) const {
    // What is computed has no name from here on; that of a comparison goes at the query's end.
    const bool computes = op_.drops_name() && !returns_bool_;
    result.name_dropped = many.name_dropped || returns_bool_;
    if (one_to_one() && (matching_.on || computes)) {
      result.labels = grouping_.labels(number);
      if (computes && !result.labels->Get(kMetricName).empty()) {  // on (__name__)
        LabelSet labels = *result.labels;
        labels.Remove(kMetricName);
        result.labels = std::make_shared<const LabelSet>(std::move(labels));
      }
      return;
    }
    const std::vector<std::string>& changed = one_to_one() ? matching_.labels : matching_.include;
    if (changed.empty() && !computes) {
      result.labels = many.labels;
      return;
    }
    LabelSet labels = *many.labels;
    if (computes) labels.Remove(kMetricName);
    for (const std::string& name : changed) {
      labels.Set(name, one_to_one() ? std::string_view() : one.labels->Get(name));
      if (name == kMetricName) result.name_dropped = one.name_dropped || returns_bool_;
    }
    result.labels = std::make_shared<const LabelSet>(std::move(labels));
  }

  Context& context_;
  Holding held_;
  const VectorMatching matching_;
  const bool returns_bool_;
  const ElementOperator op_;
  Grouping grouping_;
  std::vector<Group> groups_;  // that have a series on the "one" side
  std::vector<StepSeries> ones_;
  std::vector<Duplicate> duplicates_;  // one a step, where there are any
  Distinct result_;
};

// At which steps each match has a series.
class Presence {
 public:
  Presence(Context& context, const parse::Binary& binary)
      : context_(context),
        held_(context.budget),
        matching_(MatchingOf(binary)),
        grouping_(context.budget, !matching_.on, matching_.labels) {}

  absl::Status Add(const StepSeries& series) {
    LL_ASSIGN_OR_RETURN(const size_t group, grouping_.GroupOf(series));
    if (group == steps_.size()) {
      LL_RETURN_IF_ERROR(held_.Add(context_.steps() / 64 + 1));
      steps_.emplace_back(context_.steps());
    }
    for (size_t step = 0; step < series.values.size(); ++step) {
      if (series.has(step)) steps_[group][step] = true;
    }
    return absl::OkStatus();
  }

  // Leaves of the series what is at steps where its match is present, or is not.
  absl::Status Keep(StepSeries& series, bool where_present) {
    LL_ASSIGN_OR_RETURN(const size_t group, grouping_.GroupOf(series));
    for (size_t step = 0; step < series.values.size(); ++step) {
      const bool present = group < steps_.size() && steps_[group][step];
      if (present != where_present) series.Clear(step);
    }
    return absl::OkStatus();
  }

 private:
  Context& context_;
  Holding held_;
  const VectorMatching matching_;
  Grouping grouping_;
  std::vector<std::vector<bool>> steps_;
};

absl::Status Union(Context& context, const parse::Binary& binary, VectorSource left,
                   VectorSource right, Emit emit) {
  Presence presence(context, binary);
  LL_RETURN_IF_ERROR(left([&](StepSeries series) {
    LL_RETURN_IF_ERROR(presence.Add(series));
    return emit(std::move(series));
  }));
  return right([&](StepSeries series) {
    LL_RETURN_IF_ERROR(presence.Keep(series, false));
    return series.HasAny() ? emit(std::move(series)) : absl::OkStatus();
  });
}

}  // namespace

absl::Status MatchVectors(Context& context, const parse::Binary& binary, VectorSource left,
                          VectorSource right, Emit emit) {
  Matcher matcher(context, binary);
  const bool one_is_left = MatchingOf(binary).cardinality == Cardinality::kOneToMany;
  LL_RETURN_IF_ERROR((one_is_left ? left : right)(
      [&](StepSeries series) { return matcher.AddOne(std::move(series)); }));
  LL_RETURN_IF_ERROR((one_is_left ? right : left)(
      [&](const StepSeries& series) { return matcher.AddMany(series); }));
  return matcher.Finish(emit);
}

absl::Status CombineSets(Context& context, const parse::Binary& binary, VectorSource left,
                         VectorSource right, Emit emit) {
  if (binary.op == parse::BinaryOp::kOr) {
    if (context.steps() == 1) return Union(context, binary, left, right, emit);
    // The same series may come from the left at one step and from the right at another.
    Distinct distinct(context);
    LL_RETURN_IF_ERROR(Union(context, binary, left, right,
                             [&](StepSeries series) { return distinct.Add(std::move(series)); }));
    return distinct.Finish(emit);
  }
  Presence presence(context, binary);
  LL_RETURN_IF_ERROR(right([&](const StepSeries& series) { return presence.Add(series); }));
  return left([&](StepSeries series) {
    LL_RETURN_IF_ERROR(presence.Keep(series, binary.op == parse::BinaryOp::kAnd));
    return series.HasAny() ? emit(std::move(series)) : absl::OkStatus();
  });
}

}  // namespace leadline::collector::promql::exec
