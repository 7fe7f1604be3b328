// What the refs of one session mean.
//
// Define checks a Definitions message and takes it in; it changes nothing when it refuses. Series
// get their handles from the store, which the caller asks. Not synchronized.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "collector/ingest/limits.h"
#include "collector/ingest/refusal.h"
#include "collector/model/entity.h"
#include "collector/model/series.h"
#include "collector/store/store.h"
#include "common/id128.h"
#include "leadline/v1/ingest.pb.h"

namespace leadline::collector::ingest {

class SessionTables {
 public:
  // Series that a message defines, in its order.
  struct Unresolved {
    std::vector<uint32_t> refs;
    std::vector<model::SeriesDefinition> series;

    // Without those of these refs.
    void Forget(absl::Span<const uint32_t> gone);
  };

  explicit SessionTables(const Limits& limits) : limits_(limits) {}

  MaybeRefusal Define(const v1::Definitions& message, Unresolved* unresolved);
  // The store's handles for what Define left unresolved.
  void SetHandles(absl::Span<const uint32_t> refs, absl::Span<const store::SeriesHandle> handles);

  // The store's handle, kNoSeries of one that was refused; nullopt when the ref is not defined.
  std::optional<store::SeriesHandle> FindSeries(uint32_t ref) const {
    if (ref >= handles_.size() || !is_defined_[ref]) return std::nullopt;
    return handles_[ref];
  }

  // The versions of entities defined since the last call, to go with the next batch.
  std::vector<model::EntityVersion> TakeVersions();

 private:
  struct EntitySlot {
    Id128 id;
    bool defined = false;
  };

  const Limits limits_;
  std::vector<EntitySlot> entities_;
  std::vector<store::SeriesHandle> handles_;  // by ref
  std::vector<bool> is_defined_;              // by ref, as many
  std::vector<model::EntityVersion> pending_versions_;
  size_t defined_bytes_ = 0;  // of labels, since the last batch
};

}  // namespace leadline::collector::ingest
