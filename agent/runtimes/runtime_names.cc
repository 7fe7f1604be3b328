#include "agent/runtimes/runtime_names.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <spdlog/spdlog.h>

#include "common/status_text.h"

namespace leadline::agent::runtimes {
namespace {

const char* ReasonOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return "malformed";
    case absl::StatusCode::kResourceExhausted:
      return "too_large";
    default:
      return "unreadable";
  }
}

}  // namespace

std::optional<StateDirectory> ParseStateDirectory(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  StateDirectory directory{std::string(text.substr(0, equals)),
                           std::string(text.substr(equals + 1))};
  const auto rows = RuntimeTable();
  const bool known = std::any_of(rows.begin(), rows.end(),
                                 [&](const RuntimeRow& row) { return row.kind == directory.kind; });
  if (!known || !directory.path.starts_with('/')) return std::nullopt;
  return directory;
}

RuntimeNames::RuntimeNames(const Options& options, prometheus::Registry& registry)
    : named_(prometheus::BuildCounter()
                 .Name("leadline_agent_runtime_names_total")
                 .Help("Containers by the runtime whose files named them; \"none\" where none did.")
                 .Register(registry)),
      bad_(prometheus::BuildCounter()
               .Name("leadline_agent_runtime_files_bad_total")
               .Help("Files of container runtimes that could not be used, by runtime and reason.")
               .Register(registry)),
      unnamed_(named_.Add({{"runtime", "none"}})) {
  for (const RuntimeRow& row : RuntimeTable()) {
    for (const StateDirectory& extra : options.extra) {
      if (extra.kind == row.kind) AddPlace(row, extra.path);
    }
    for (const std::string_view usual : row.usual_dirs) {
      AddPlace(row, options.root + std::string(usual));
    }
  }
}

void RuntimeNames::AddPlace(const RuntimeRow& row, const std::string& dir) {
  places_.push_back({.kind = row.kind,
                     .dir = dir,
                     .state = row.open(dir),
                     .named = named_.Add({{"runtime", std::string(row.kind)}})});
}

std::vector<std::string> RuntimeNames::Unreadable() const {
  std::vector<std::string> unreadable;
  for (const Place& place : places_) {
    // Whoever may search a directory may still not list it, nor what is in it.
    if (access(place.dir.c_str(), R_OK | X_OK) != 0 && errno == EACCES) {
      unreadable.push_back(place.dir);
    }
  }
  return unreadable;
}

std::optional<ContainerNames> RuntimeNames::Find(const std::string& container_id) {
  for (Place& place : places_) {
    auto names = place.state->Find(container_id);
    if (!names.ok()) {
      NoteBad(place, names.status());
    } else if (*names) {
      place.named.Increment();
      return *std::move(names);
    }
  }
  unnamed_.Increment();
  return std::nullopt;
}

void RuntimeNames::NoteBad(Place& place, const absl::Status& status) {
  bad_.Add({{"runtime", std::string(place.kind)}, {"reason", ReasonOf(status)}}).Increment();
  if (absl::IsPermissionDenied(status) && std::exchange(place.denied, true)) return;
  spdlog::warn("names of containers: {}: {}", place.kind, StatusMessage(status));
}

}  // namespace leadline::agent::runtimes
