#include "collector/store/window/selected.h"

#include <algorithm>
#include <utility>

namespace leadline::collector::store::window {

Selected::~Selected() {
  for (const index::LabelId id : kept_) index::LabelTable::Get().Release(id);
}

const uint32_t* Selected::FindEntity(const Id128& id) const {
  const auto it = numbers_.find(id);
  return it == numbers_.end() ? nullptr : &it->second;
}

size_t Selected::bytes() const {
  return sizeof(Selected) + series_.capacity() * sizeof(Series) +
         entities_.capacity() * sizeof(Entity) +
         numbers_.capacity() * (sizeof(*numbers_.begin()) + 1) + labels_.bytes() +
         kept_.capacity() * sizeof(index::LabelId) + timeline_bytes_;
}

std::shared_ptr<const Selected::Compared> Selected::compared() const {
  MutexLock lock(mutex_);
  return compared_;
}

void Selected::SetCompared(Compared compared) const {
  auto made = std::make_shared<const Compared>(std::move(compared));
  MutexLock lock(mutex_);
  compared_ = std::move(made);
}

void Selected::Builder::AddEntity(const Id128& id, index::TimelinePtr timeline) {
  selected_->numbers_.emplace(id, static_cast<uint32_t>(selected_->entities_.size()));
  Entity& entity = selected_->entities_.emplace_back();
  entity.id = id;
  entity.timeline = std::move(timeline);
  if (entity.timeline == nullptr) return;
  selected_->timeline_bytes_ +=
      index::BytesOf(*entity.timeline) / static_cast<size_t>(entity.timeline.use_count());
  entity.start_ms = entity.timeline->start_ms();
  entity.end_ms = entity.timeline->end_ms();
  if (entity.timeline->versions().size() > 1) return;
  entity.version = &entity.timeline->versions().front();
  std::vector<index::LabelId>& kept = selected_->kept_;
  const size_t first = kept.size();
  for (const Label& label : entity.version->labels) {
    kept.push_back(index::LabelTable::Get().Acquire({label.name, label.value}));
  }
  entity.labels = selected_->labels_.Add(absl::MakeConstSpan(kept).subspan(first));
}

uint64_t Selected::Builder::HashOf(const Series& series) const {
  const index::LabelTable& table = index::LabelTable::Get();
  const index::LabelRows& rows = selected_->labels_;
  const Entity& entity = selected_->entities_[series.entity];
  const std::vector<std::string>& own_names = rows.NamesOf(series.own.shape);
  const std::vector<std::string>& names = rows.NamesOf(entity.labels.shape);
  uint64_t hash = table.Hash(series.metric_id);
  for (const index::LabelId id : rows.IdsOf(series.own)) hash += table.Hash(id);
  // A series' own labels win over its entity's.
  const absl::Span<const index::LabelId> ids = rows.IdsOf(entity.labels);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!std::binary_search(own_names.begin(), own_names.end(), names[i])) {
      hash += table.Hash(ids[i]);
    }
  }
  return hash;
}

void Selected::Builder::AddSeries(uint32_t number, SeriesRow row) {
  Series& series = selected_->series_.emplace_back();
  series.definition = std::move(row.definition);
  series.entity = *selected_->FindEntity(series.definition->entity());
  series.metric = row.metric;
  series.number = number;
  series.rank = row.rank;
  series.metric_id = series.definition->metric_id();
  series.own = selected_->labels_.Add(series.definition->residual());
  const Entity& entity = selected_->entities_[series.entity];
  if (!entity.has_one_set()) return;
  series.labels_hash = HashOf(series);
  series.matches = matcher_.Matches(*series.definition, entity.version);
}

std::shared_ptr<const Selected> Selected::Builder::Finish() { return std::move(selected_); }

}  // namespace leadline::collector::store::window
