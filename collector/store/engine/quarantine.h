// Moves what is damaged out of the way, to be looked at by people.
#pragma once

#include <string>

#include "absl/status/status.h"

#include "collector/store/engine/paths.h"
#include "collector/store/file/files.h"

namespace leadline::collector::store::engine {

// Renames `path` to quarantine/`name`, with a number behind it where that is taken, and logs `why`.
absl::Status QuarantinePath(file::Files& files, const Paths& paths, const std::string& path,
                            const std::string& name, const absl::Status& why);

}  // namespace leadline::collector::store::engine
