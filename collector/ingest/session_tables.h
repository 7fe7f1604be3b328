// What the refs of one session mean.
//
// Define checks a Definitions message and takes it in; it changes nothing when it refuses. Series
// get their handles from the store, which the caller asks. Not synchronized.
#pragma once

#include <cstdint>
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
  struct Series {
    store::SeriesHandle handle = 0;
    bool defined = false;
    // Scratch of the translation: where the series is in the batch of that stamp, and the last
    // frame that had it.
    uint32_t batch_stamp = 0;
    uint32_t batch_index = 0;
    uint32_t frame_stamp = 0;
  };
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

  // nullptr when the ref is not defined.
  Series* FindSeries(uint32_t ref) {
    return ref < series_.size() && series_[ref].defined ? &series_[ref] : nullptr;
  }

  // The versions of entities defined since the last call, to go with the next batch.
  std::vector<model::EntityVersion> TakeVersions();

  uint32_t NextBatchStamp() { return ++batch_stamp_; }
  uint32_t NextFrameStamp() { return ++frame_stamp_; }

 private:
  struct EntitySlot {
    Id128 id;
    bool defined = false;
  };

  const Limits limits_;
  std::vector<EntitySlot> entities_;
  std::vector<Series> series_;
  std::vector<model::EntityVersion> pending_versions_;
  size_t defined_bytes_ = 0;  // of labels, since the last batch
  uint32_t batch_stamp_ = 0;
  uint32_t frame_stamp_ = 0;
};

}  // namespace leadline::collector::ingest
