// Series in a real store, in one of the ways in which a store keeps samples.
//
// Not synchronized; a query may be asked from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <prometheus/registry.h>

#include "collector/store/store.h"
#include "common/clock.h"
#include "tests/unit/collector/store/temp_dir.h"

namespace leadline::collector::promqltest {

enum class Kept : uint8_t {
  kInHead,     // in memory and the log
  kInWindows,  // settled on disk
  kInBoth,    // the oldest on disk, the newest in memory, and late ones in memory for those on disk
  kInPieces,  // on disk as flushes leave it that come while it is written
};

class StoredSeries {
 public:
  // With their floats, staleness markers too. As others write them, so that they belong to no
  // entity.
  static absl::StatusOr<std::unique_ptr<StoredSeries>> Make(
      Kept kept, const std::vector<store::SeriesBlock>& series);

  const store::Queryable& queryable() const { return store_->queryable(); }

 private:
  // Whether a sample, of that number in its series, is meant.
  using Which = std::function<bool(size_t number, int64_t ts_ms)>;

  StoredSeries() = default;
  absl::Status Open(Kept kept, int64_t now_ms);
  absl::Status Resolve(const std::vector<store::SeriesBlock>& series);
  absl::Status Append(const std::vector<store::SeriesBlock>& series, const Which& which);
  absl::Status Fill(Kept kept, const std::vector<store::SeriesBlock>& series, int64_t first_ms,
                    int64_t last_ms);
  double Flushes() const;

  store::TempDir dir_;
  ManualClock clock_{0};
  prometheus::Registry registry_;
  std::unique_ptr<store::Store> store_;
  std::vector<store::SeriesHandle> handles_;
};

}  // namespace leadline::collector::promqltest
