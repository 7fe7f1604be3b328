#include "collector/store/engine/series_rows.h"

#include <algorithm>
#include <utility>

#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

// So many rows more than are wanted are gathered before the largest go.
constexpr size_t kMoreThanWanted = 1024;

// Texts that lie in one place are equal, as names do here, and labels of series in the process.
bool IsSame(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.data() == b.data() || a == b);
}

bool IsBefore(absl::Span<const LabelView> a, absl::Span<const LabelView> b) {
  const size_t common = std::min(a.size(), b.size());
  for (size_t i = 0; i < common; ++i) {
    if (!IsSame(a[i].name, b[i].name)) return a[i].name < b[i].name;
    if (!IsSame(a[i].value, b[i].value)) return a[i].value < b[i].value;
  }
  return a.size() < b.size();
}

bool AreEqual(absl::Span<const LabelView> a, absl::Span<const LabelView> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const LabelView& x, const LabelView& y) {
                      return IsSame(x.name, y.name) && IsSame(x.value, y.value);
                    });
}

// Adds both, which are by name; where they have a name both, that of `winners` alone.
void AddMerged(absl::Span<const LabelView> losers, absl::Span<const LabelView> winners,
               std::vector<LabelView>& out) {
  auto loser = losers.begin();
  for (const LabelView& winner : winners) {
    for (; loser != losers.end() && loser->name < winner.name; ++loser) out.push_back(*loser);
    if (loser != losers.end() && loser->name == winner.name) ++loser;
    out.push_back(winner);
  }
  out.insert(out.end(), loser, losers.end());
}

}  // namespace

void SeriesRows::Show(StringSet named) {
  named_ = std::move(named);
  version_ = nullptr;
}

void SeriesRows::ReadEntityLabels(const model::EntityVersion& version) {
  own_.clear();
  for (const Label& label : version.labels) own_.push_back({label.name, label.value});
  std::vector<LabelView> kubernetes;
  if (!named_.empty()) {
    for (const Label& label : version.kubernetes_labels) {
      if (named_.contains(label.name)) kubernetes.push_back({label.name, label.value});
    }
  }
  entity_labels_.clear();
  AddMerged(kubernetes, own_, entity_labels_);
}

absl::Status SeriesRows::Add(const index::Definition& series, const model::EntityVersion* version) {
  if (limit_ > 0 && rows_.size() >= limit_ + kMoreThanWanted) Cut();
  if (version == nullptr) {
    entity_labels_.clear();
  } else if (version != version_) {
    ReadEntityLabels(*version);
  }
  version_ = version;
  const index::LabelTable& table = index::LabelTable::Get();
  own_.clear();
  for (const index::LabelId id : series.residual()) own_.push_back(table.View(id));
  const LabelView metric = table.View(series.metric_id());
  own_.insert(std::lower_bound(own_.begin(), own_.end(), metric), metric);
  const size_t first = labels_.size();
  AddMerged(entity_labels_, own_, labels_);
  PlaceNames(first);
  const size_t count = labels_.size() - first;
  rows_.push_back({first, count});
  return meter_.Step(2 * sizeof(Row) + 2 * count * sizeof(LabelView));
}

void SeriesRows::PlaceNames(size_t first) {
  // Mostly they are those of the row before.
  const absl::Span<const LabelView> before =
      rows_.empty() ? absl::Span<const LabelView>() : LabelsOf(rows_.back());
  for (size_t i = first; i < labels_.size(); ++i) {
    std::string_view& name = labels_[i].name;
    if (i - first < before.size() && before[i - first].name == name) {
      name = before[i - first].name;
    } else {
      name = *texts_.emplace(name).first;
    }
  }
}

void SeriesRows::SortRows() {
  const auto before = [this](const Row& a, const Row& b) {
    return IsBefore(LabelsOf(a), LabelsOf(b));
  };
  if (!std::is_sorted(rows_.begin(), rows_.end(), before)) {
    std::sort(rows_.begin(), rows_.end(), before);
  }
  rows_.erase(std::unique(rows_.begin(), rows_.end(),
                          [this](const Row& a, const Row& b) {
                            return AreEqual(LabelsOf(a), LabelsOf(b));
                          }),
              rows_.end());
}

void SeriesRows::Cut() {
  const size_t rows = rows_.size();
  const size_t labels = labels_.size();
  SortRows();
  if (limit_ > 0 && rows_.size() > limit_) rows_.resize(limit_);
  std::vector<LabelView> kept;
  for (Row& row : rows_) {
    const absl::Span<const LabelView> of_row = LabelsOf(row);
    row.first = kept.size();
    kept.insert(kept.end(), of_row.begin(), of_row.end());
  }
  labels_ = std::move(kept);
  meter_.GiveBack(2 * (rows - rows_.size()) * sizeof(Row) +
                  2 * (labels - labels_.size()) * sizeof(LabelView));
}

absl::Status SeriesRows::TakeOver() {
  Cut();
  uint64_t bytes = 0;
  for (LabelView& label : labels_) {
    const auto [text, is_new] = texts_.emplace(label.value);
    if (is_new) bytes += sizeof(*text) + text->size();
    label.value = *text;
  }
  return meter_.Step(bytes);
}

absl::Span<const absl::Span<const LabelView>> SeriesRows::Sorted() {
  if (limit_ > 0 && rows_.size() > limit_) Cut();
  SortRows();
  sorted_.clear();
  sorted_.reserve(rows_.size());
  for (const Row& row : rows_) sorted_.push_back(LabelsOf(row));
  return sorted_;
}

}  // namespace leadline::collector::store::engine
