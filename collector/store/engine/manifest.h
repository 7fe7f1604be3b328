// The manifest: which windows there are and where the log begins to matter.
//
// It is replaced as a whole at the end of a flush, which is the moment that the flush counts: a
// window that it does not list, and a log segment before its checkpoint, are left-overs. Format:
// docs/format/manifest.md. Plain value and pure functions.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace leadline::collector::store::engine {

inline constexpr std::string_view kManifestName = "MANIFEST";
inline constexpr uint32_t kManifestVersion = 1;

struct Manifest {
  uint64_t checkpoint = 1;    // the first log segment to recover from
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
