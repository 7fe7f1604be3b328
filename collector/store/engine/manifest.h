// The manifest: which windows there are and where the log begins to matter.
//
// It is replaced as a whole at the end of a flush, which is the moment that the flush counts: a
// window that it does not list, and a log segment before its checkpoints, are left-overs. Format:
// docs/format/manifest.md. Plain value and pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "collector/store/engine/window_id.h"

namespace leadline::collector::store::engine {

inline constexpr std::string_view kManifestName = "MANIFEST";
inline constexpr std::string_view kManifestCopyName = "MANIFEST.copy";
inline constexpr uint32_t kManifestVersion = 5;
// From this one on; it lacks `newest_segment`. Those before 5 know no rollups: they would write to
// windows without taking away the marks of those.
inline constexpr uint32_t kOldestManifestVersion = 3;

struct Manifest {
  // How many of each window's writes are durable. One that has fewer than that is damaged.
  using Windows = std::map<WindowId, uint64_t>;

  // By shard of the head, the first log segment with something of it that is in no window. Not
  // empty; a head with another number of shards knows by it what those of the one before had.
  std::vector<uint64_t> checkpoints = {1};
  // A log segment that was there, the newest that was known of: if there is none up to it, the
  // log's end is missing. 0: not known.
  uint64_t newest_segment = 0;
  Windows windows;

  bool operator==(const Manifest&) const = default;
};

std::string EncodeManifest(const Manifest& manifest);
// DATA_LOSS or UNIMPLEMENTED (a newer version); the text says what is wrong.
absl::StatusOr<Manifest> ParseManifest(std::string_view text);

}  // namespace leadline::collector::store::engine
