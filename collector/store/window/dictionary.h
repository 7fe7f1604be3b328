// A window's dictionary in memory: the dense ordinals of each tenant's entities, metrics and
// series, with the index over them.
//
// It is loaded from the window's rows (docs/format/window.md), and says which row each new thing
// needs. Not synchronized: const methods may run together.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"

#include "collector/store/index/series_index.h"
#include "common/string_map.h"

namespace leadline::collector::store::window {

// A series of the window, for reading.
struct SeriesRef {
  index::DefinitionPtr definition;
  index::TimelinePtr timeline;  // null when no version is known
  uint32_t metric = 0;
  uint32_t series = 0;
  uint32_t rank = 0;  // among the metric's, as they came
};

class Dictionary {
 public:
  // Takes a row in, in the order of the keys. What is wrong with it, if anything.
  std::optional<std::string> Load(std::string_view key, std::string_view value);

  // Is given the rows of what is new.
  using Put = absl::FunctionRef<void(std::string_view key, std::string_view value)>;

  // With what is known of the entity already.
  void AddEntity(std::string_view tenant, const index::TimelinePtr& timeline, Put put);
  // New or known. The result has no timeline.
  SeriesRef AddSeries(std::string_view tenant, const index::DefinitionPtr& definition, Put put);

  bool HasEntity(std::string_view tenant, const Id128& id) const;
  // Series that may match, and all of the entities in `also`.
  void Find(std::string_view tenant, const index::Matchers& matchers, absl::Span<const Id128> also,
            std::vector<SeriesRef>& out) const;
  // Of every entity with a version that is known.
  void Timelines(std::string_view tenant, std::vector<index::TimelinePtr>& out) const;

 private:
  struct Tenant {
    index::SeriesIndex index;
    StringMap<uint32_t> metric_ordinals;
    std::vector<std::string> metrics;
    std::vector<uint32_t> metric_sizes;    // by metric ordinal: how many series
    std::vector<uint32_t> series_metrics;  // by series ordinal
    std::vector<uint32_t> series_ranks;    // the same

    void AddPlace(uint32_t metric);
    SeriesRef Ref(uint32_t series, index::DefinitionPtr definition,
                  index::TimelinePtr timeline) const;
  };

  // Whether the row of that ordinal is what may come next.
  static bool LoadEntity(uint32_t ordinal, std::string_view value, Tenant& tenant);
  static bool LoadMetric(uint32_t ordinal, std::string_view value, Tenant& tenant);
  static bool LoadSeries(uint32_t ordinal, std::string_view value, Tenant& tenant);

  Tenant& TenantOf(std::string_view name);
  const Tenant* FindTenant(std::string_view name) const;

  StringMap<std::unique_ptr<Tenant>> tenants_;
};

}  // namespace leadline::collector::store::window
