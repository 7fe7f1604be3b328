// Moves what is damaged out of the way, to be looked at by people.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "collector/store/engine/paths.h"
#include "collector/store/engine/window_id.h"
#include "collector/store/file/files.h"

namespace leadline::collector::store::engine {

// Renames `path` to quarantine/`name`, with a number behind it where that is taken, and logs `why`.
absl::Status QuarantinePath(file::Files& files, const Paths& paths, const std::string& path,
                            const std::string& name, const absl::Status& why);

// The name of a window there, without a number, and the window of a name.
std::string QuarantinedName(const WindowId& id);
std::optional<WindowId> WindowOfQuarantined(std::string_view name);

}  // namespace leadline::collector::store::engine
