// The manifest on disk, and a copy of it beside it: all that is stored hangs on a few hundred
// bytes.
//
// Threading: one at a time.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "collector/store/engine/manifest.h"
#include "collector/store/engine/paths.h"
#include "collector/store/file/files.h"

namespace leadline::collector::store::engine {

struct ManifestFile {
  Manifest manifest;
  // Why it is the copy's; OK when it is not. The copy may be older, if a program that knew none has
  // run since: what it does not list may be of worth.
  absl::Status damage;
};

// NOT_FOUND when neither is there. UNIMPLEMENTED when a newer version wrote it. DATA_LOSS when both
// are damaged or missing: what is wrong with each, with its path, and what can be done. Errors of
// the system as they are.
absl::StatusOr<ManifestFile> ReadManifest(file::Files& files, const Paths& paths);

// Both. The copy first: when it fails nothing has changed.
absl::Status ReplaceManifest(file::Files& files, const Paths& paths, const Manifest& manifest);

}  // namespace leadline::collector::store::engine
