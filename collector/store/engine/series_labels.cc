#include "collector/store/engine/series_labels.h"

#include <algorithm>

#include "absl/container/inlined_vector.h"

#include "collector/store/index/visible_labels.h"

namespace leadline::collector::store::engine {
namespace {

// By name, each once.
using LabelViews = absl::InlinedVector<std::pair<std::string_view, std::string_view>, 20>;

// `later` of equal names wins; both are by name.
template <typename Labels>
void Merge(const Labels& later, LabelViews& views) {
  LabelViews merged;
  auto earlier = views.begin();
  for (const auto& [name, value] : later) {
    while (earlier != views.end() && earlier->first < name) merged.push_back(*earlier++);
    if (earlier != views.end() && earlier->first == name) ++earlier;
    merged.emplace_back(name, value);
  }
  merged.insert(merged.end(), earlier, views.end());
  views = std::move(merged);
}

LabelViews EntityLabels(const model::EntityVersion* version, const StringSet& named) {
  LabelViews views;
  if (version == nullptr) return views;
  for (const Label& label : version->kubernetes_labels) {
    if (named.contains(label.name)) views.emplace_back(label.name, label.value);
  }
  Merge(version->labels, views);
  return views;
}

LabelViews VisibleLabelsOf(const LabelsOf& series, const StringSet& named) {
  LabelViews views = EntityLabels(series.version, named);
  const index::LabelTable& table = index::LabelTable::Get();
  LabelViews own;
  for (const index::LabelId id : series.definition.residual()) {
    const index::LabelView label = table.View(id);
    own.emplace_back(label.name, label.value);
  }
  Merge(own, views);
  own = {{kMetricName, series.definition.metric()}};
  Merge(own, views);
  return views;
}

// As index::LabelValue, of the labels of Kubernetes only those that are named.
std::string_view VisibleValue(const LabelsOf& series, std::string_view name,
                              const StringSet& named) {
  if (name == kMetricName) return series.definition.metric();
  if (const std::string_view own = series.definition.Get(name); !own.empty()) return own;
  if (series.version == nullptr) return "";
  if (const std::string_view value = series.version->labels.Get(name); !value.empty()) return value;
  return named.contains(name) ? series.version->kubernetes_labels.Get(name) : "";
}

}  // namespace

bool SameVisibleLabels(const LabelsOf& a, const LabelsOf& b, const StringSet& named) {
  return VisibleLabelsOf(a, named) == VisibleLabelsOf(b, named);
}

SeriesLabels::SeriesLabels(const ShownLabels& shown, const StringSet& named)
    : shown_(shown), named_(named) {}

bool SeriesLabels::Shows(std::string_view name) const {
  if (shown_.which == ShownLabels::Which::kAll || name == kMetricName) return true;
  return std::binary_search(shown_.names.begin(), shown_.names.end(), name) ==
         (shown_.which == ShownLabels::Which::kOnly);
}

const SeriesLabels::Base& SeriesLabels::BaseOf(const model::EntityVersion* version) {
  std::unique_ptr<Base>& base = bases_[version];
  if (base != nullptr) return *base;
  base = std::make_unique<Base>();
  for (const auto& [name, value] : EntityLabels(version, named_)) {
    const HashedLabel label{name, index::HashLabel({name, value}), Shows(name)};
    base->hash += label.hash;
    if (label.shown) base->shown_hash += label.hash;
    base->labels.push_back(label);
  }
  return *base;
}

// Sums of the labels' hashes, so that a series adds its own to those of its entity.
SeriesLabels::Hashes SeriesLabels::HashesOf(const LabelsOf& series) {
  const Base& base = BaseOf(series.version);
  const index::LabelTable& table = index::LabelTable::Get();
  const uint64_t name_hash = table.Hash(series.definition.metric_id());
  Hashes hashes{base.hash + name_hash, base.shown_hash + name_hash};
  for (const index::LabelId id : series.definition.residual()) {
    const std::string_view name = table.View(id).name;
    uint64_t hash = table.Hash(id);
    const auto hidden =
        std::lower_bound(base.labels.begin(), base.labels.end(), name,
                         [](const HashedLabel& a, std::string_view b) { return a.name < b; });
    if (hidden != base.labels.end() && hidden->name == name) hash -= hidden->hash;
    hashes.all += hash;
    if (Shows(name)) hashes.shown += hash;
  }
  return hashes;
}

std::optional<uint64_t> SeriesLabels::KnownHash(const LabelsOf& series) const {
  if (!named_.empty() || series.version == nullptr || series.timeline == nullptr ||
      !series.definition.residual().empty()) {
    return std::nullopt;
  }
  const std::vector<uint64_t>& hashes = series.timeline->label_hashes();
  const auto number = static_cast<size_t>(series.version - series.timeline->versions().data());
  if (number >= hashes.size()) return std::nullopt;
  return hashes[number];
}

uint64_t SeriesLabels::Hash(const LabelsOf& series) {
  if (named_.empty() && series.one_set.series != nullptr) return series.one_set.series->labels_hash;
  const std::optional<uint64_t> known = KnownHash(series);
  if (!known.has_value()) return HashesOf(series).all;
  return *known + index::LabelTable::Get().Hash(series.definition.metric_id());
}

// Some labels are found sooner than all are looked at.
uint64_t SeriesLabels::ShownHash(const LabelsOf& series) {
  if (shown_.which != ShownLabels::Which::kOnly || !KnownHash(series).has_value()) {
    return HashesOf(series).shown;
  }
  uint64_t hash = index::LabelTable::Get().Hash(series.definition.metric_id());
  for (const std::string& name : shown_.names) {
    const std::string_view value = series.version->labels.Get(name);
    if (!value.empty() && name != kMetricName) hash += index::HashLabel({name, value});
  }
  return hash;
}

bool SeriesLabels::IsShown(const LabelSet& set, const LabelsOf& series) const {
  if (shown_.which != ShownLabels::Which::kOnly) return set == MakeShown(series);
  return set.Get(kMetricName) == series.definition.metric() &&
         std::all_of(shown_.names.begin(), shown_.names.end(), [&](const std::string& name) {
           return set.Get(name) == VisibleValue(series, name, named_);
         });
}

LabelSet SeriesLabels::MakeShown(const LabelsOf& series) const {
  std::vector<Label> labels;
  if (shown_.which == ShownLabels::Which::kOnly) {
    labels.push_back({std::string(kMetricName), std::string(series.definition.metric())});
    for (const std::string& name : shown_.names) {
      if (name == kMetricName) continue;
      labels.push_back({name, std::string(VisibleValue(series, name, named_))});
    }
    return LabelSet(std::move(labels));
  }
  for (const auto& [name, value] : VisibleLabelsOf(series, named_)) {
    if (Shows(name)) labels.push_back({std::string(name), std::string(value)});
  }
  return LabelSet(std::move(labels));
}

const SeriesLabels::Picks& SeriesLabels::PicksOf(const FoundSet::OneSet& series) {
  const Shapes shapes{series.selected, series.series->own.shape, series.entity().labels.shape};
  if (last_picks_ != nullptr && shapes == last_shapes_) return *last_picks_;
  std::unique_ptr<const Picks>& known = picks_[shapes];
  if (known == nullptr) {
    const index::LabelRows& rows = series.selected->labels();
    const std::vector<std::string>& own = rows.NamesOf(std::get<1>(shapes));
    const std::vector<std::string>& of_entity = rows.NamesOf(std::get<2>(shapes));
    auto picks = std::make_unique<Picks>();
    for (uint32_t i = 0; i < own.size(); ++i) {
      if (Shows(own[i])) picks->push_back({true, i});
    }
    for (uint32_t i = 0; i < of_entity.size(); ++i) {
      const bool is_hidden = std::binary_search(own.begin(), own.end(), of_entity[i]);
      if (Shows(of_entity[i]) && !is_hidden) picks->push_back({false, i});
    }
    known = std::move(picks);
  }
  last_shapes_ = shapes;
  last_picks_ = known.get();
  return *last_picks_;
}

SeriesLabels::Ids SeriesLabels::ShownIds(const FoundSet::OneSet& series) {
  const index::LabelRows& rows = series.selected->labels();
  const absl::Span<const index::LabelId> own = rows.IdsOf(series.series->own);
  const absl::Span<const index::LabelId> of_entity = rows.IdsOf(series.entity().labels);
  Ids ids = {series.series->metric_id};
  for (const Pick& pick : PicksOf(series)) {
    ids.push_back(pick.is_own ? own[pick.place] : of_entity[pick.place]);
  }
  return ids;
}

SeriesLabels::LabelsPtr SeriesLabels::ShownByHash(uint64_t hash, const LabelsOf& series) {
  for (;; ++hash) {
    LabelsPtr& set = sets_[hash];
    if (set == nullptr)
      set = std::make_shared<const LabelSet>(MakeShown(series));
    else if (!IsShown(*set, series))
      continue;
    return set;
  }
}

SeriesLabels::LabelsPtr SeriesLabels::Shown(const LabelsOf& series) {
  // Whole sets are rarely seen twice.
  if (shown_.which == ShownLabels::Which::kAll) {
    return std::make_shared<const LabelSet>(MakeShown(series));
  }
  if (!named_.empty() || series.one_set.series == nullptr) {
    return ShownByHash(ShownHash(series), series);
  }
  const Ids ids = ShownIds(series.one_set);
  LabelsPtr& set = by_ids_[ids];
  if (set == nullptr) {
    uint64_t hash = 0;
    for (const index::LabelId id : ids) hash += index::LabelTable::Get().Hash(id);
    set = ShownByHash(hash, series);
  }
  return set;
}

}  // namespace leadline::collector::store::engine
