// The manifest: which windows there are and where the log begins to matter.
//
// It is replaced as a whole at the end of a flush, which is the moment that the flush counts: a
// window that it does not list, and a log segment before its checkpoints, are left-overs. Format:
// docs/format/manifest.md. Plain value and pure functions.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace leadline::collector::store::engine {

inline constexpr std::string_view kManifestName = "MANIFEST";
inline constexpr uint32_t kManifestVersion = 2;

struct Manifest {
  // By shard of the head, the first log segment with something of it that is in no window. Not
  // empty; a head with another number of shards knows by it what those of the one before had.
  std::vector<uint64_t> checkpoints = {1};
  std::set<int64_t> windows;  // begins of those of the class "raw", ms since the epoch

  bool operator==(const Manifest&) const = default;
};

std::string EncodeManifest(const Manifest& manifest);
// DATA_LOSS or UNIMPLEMENTED (a newer version); the text says what is wrong.
absl::StatusOr<Manifest> ParseManifest(std::string_view text);

// A window's directory name: its first day, as in 2026-11-22.
std::string WindowName(int64_t start_ms);
// -1 when it is not one.
int64_t WindowStartOfName(std::string_view name);

}  // namespace leadline::collector::store::engine
