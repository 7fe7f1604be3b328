// What a shard knows of the names and values of labels, from its index alone.
#include "collector/store/head/shard.h"
#include "collector/store/index/visible_labels.h"

namespace leadline::collector::store::head {

template <typename Visit>
void Shard::EachValue(const Tenant& tenant, index::LabelsOf whose, std::string_view name,
                      int64_t start_ms, int64_t end_ms, index::SmallestTexts& out,
                      Visit visit) const {
  if (!HasSamplesIn(start_ms, end_ms)) return;
  const index::SeriesIndex& index = tenant.index;
  const auto has_samples = [&](uint32_t series) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return HasSamplesIn(tenant.slots[series], start_ms, end_ms);
  };
  index.labels(whose).ForEachValue(
      name, "", [&](std::string_view value, const index::Postings& ordinals) {
        if (!out.GoOn()) return false;
        const bool is_there = ordinals.AnyOf([&](uint32_t ordinal) {
          if (whose == index::LabelsOf::kSeries) return has_samples(ordinal);
          const index::TimelinePtr& timeline = index.timeline(ordinal);
          return timeline != nullptr &&
                 index::IsInForce(*timeline, {name, value}, start_ms, end_ms) &&
                 index.series_of(ordinal).AnyOf([&](uint32_t series) {
                   return index.definition(series)->Get(name).empty() && has_samples(series);
                 });
        });
        return !is_there || visit(value);
      });
}

void Shard::LabelNames(std::string_view tenant_name, int64_t start_ms, int64_t end_ms,
                       index::SmallestTexts& out) const {
  ReaderLock lock(mutex_);
  const Tenant* tenant = FindTenant(tenant_name);
  if (tenant == nullptr) return;
  for (const index::LabelsOf whose : {index::LabelsOf::kSeries, index::LabelsOf::kEntity}) {
    // Under the lock, which the analysis does not see through the call.
    tenant->index.labels(whose).ForEachName(
        [&](std::string_view name) ABSL_NO_THREAD_SAFETY_ANALYSIS {
          if (out.Knows(name)) return;
          EachValue(*tenant, whose, name, start_ms, end_ms, out, [&](std::string_view) {
            out.Add(name);
            return false;
          });
        });
  }
}

void Shard::EntityLabelNames(std::string_view tenant_name, StringSet& out) const {
  ReaderLock lock(mutex_);
  const Tenant* tenant = FindTenant(tenant_name);
  if (tenant == nullptr) return;
  tenant->index.labels(index::LabelsOf::kEntity).ForEachName([&](std::string_view name) {
    out.emplace(name);
  });
}

void Shard::LabelValues(std::string_view tenant_name, std::string_view name, int64_t start_ms,
                        int64_t end_ms, index::SmallestTexts& out) const {
  ReaderLock lock(mutex_);
  const Tenant* tenant = FindTenant(tenant_name);
  if (tenant == nullptr) return;
  for (const index::LabelsOf whose : {index::LabelsOf::kSeries, index::LabelsOf::kEntity}) {
    EachValue(*tenant, whose, name, start_ms, end_ms, out,
              [&](std::string_view value) { return out.Add(value); });
  }
}

}  // namespace leadline::collector::store::head
