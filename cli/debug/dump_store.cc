#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "cli/debug/dump.h"
#include "cli/debug/store_records.h"
#include "cli/debug/store_window.h"
#include "collector/store/engine/manifest_file.h"
#include "collector/store/engine/paths.h"
#include "collector/store/file/files.h"
#include "collector/store/log/segment.h"
#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::cli {
namespace {

namespace engine = collector::store::engine;
namespace log = collector::store::log;
namespace file = collector::store::file;

// A file system that is mounted for reading, as of a snapshot, where nobody can write.
bool IsReadOnly(const std::string& path) {
  struct statvfs about {};
  return statvfs(path.c_str(), &about) == 0 && (about.f_flag & ST_RDONLY) != 0;
}

absl::Status DumpLogSegment(const std::string& path, uint64_t number, bool is_last,
                            const DumpFlags& flags, std::ostream& out) {
  LL_ASSIGN_OR_RETURN(const std::string contents, file::PosixFiles().Read(path));
  fmt::print(out, "{}: {} bytes\n", path, contents.size());
  const auto write_frame = [&](const log::Frame& frame) {
    std::vector<log::Record> records;
    absl::Status read = log::ReadRecords(frame.payload, records);
    if (flags.statistics) return read;
    fmt::print(out, "  at {}: frame of {} bytes{}\n", frame.offset, frame.payload.size(),
               frame.behind_damage ? ", behind damage" : "");
    for (const log::Record& record : records) WriteStoreRecord(record, flags.series, out);
    return read;
  };
  LL_ASSIGN_OR_RETURN(const log::SegmentEnd end,
                      log::ReadSegment(contents, path, number, is_last, write_frame));
  if (end.torn_bytes > 0) fmt::print(out, "  torn: {} bytes at the end\n", end.torn_bytes);
  for (const absl::Status& damage : end.damage) fmt::print(out, "  {}\n", StatusMessage(damage));
  return end.damage.empty() ? absl::OkStatus() : end.damage.front();
}

absl::Status DumpLog(const engine::Paths& paths, const DumpFlags& flags, std::ostream& out) {
  LL_ASSIGN_OR_RETURN(const std::vector<std::string> names, file::PosixFiles().List(paths.log));
  absl::Status first_problem;
  uint64_t last = 0;
  for (const std::string& name : names) last = std::max(last, log::SegmentNumber(name));
  for (const std::string& name : names) {
    const uint64_t number = log::SegmentNumber(name);
    if (number == 0) continue;
    first_problem.Update(
        DumpLogSegment(fmt::format("{}/{}", paths.log, name), number, number == last, flags, out));
  }
  return first_problem;
}

absl::StatusOr<engine::ManifestFile> DumpManifest(const engine::Paths& paths, std::ostream& out) {
  LL_ASSIGN_OR_RETURN(engine::ManifestFile file, engine::ReadManifest(file::PosixFiles(), paths));
  const engine::Manifest& manifest = file.manifest;
  if (!file.damage.ok()) fmt::print(out, "{}; this is its copy:\n", StatusMessage(file.damage));
  fmt::print(out, "{}/{}: log from segment {} on, {} windows\n", paths.dir,
             file.damage.ok() ? engine::kManifestName : engine::kManifestCopyName,
             fmt::join(manifest.checkpoints, " "), manifest.windows.size());
  for (const auto& [id, writes] : manifest.windows) {
    fmt::print(out, "  window {}: {} writes\n", engine::NameOf(id), writes);
  }
  return file;
}

}  // namespace

absl::Status DumpStore(const DumpFlags& flags, std::ostream& out) {
  const engine::Paths paths(flags.path);
  std::error_code error;
  if (!std::filesystem::exists(paths.log, error)) {
    return absl::NotFoundError(flags.path + ": no store, it has no log");
  }
  // Who writes there moves files away under a reader.
  const auto lock = file::PosixFiles().Lock(paths.lock);
  if (absl::IsFailedPrecondition(lock.status())) {
    return absl::FailedPreconditionError(fmt::format(
        "{}: in use by a collector; stop it, or dump a copy of the directory", flags.path));
  }
  if (!IsReadOnly(flags.path)) LL_RETURN_IF_ERROR(lock.status());

  const absl::StatusOr<engine::ManifestFile> manifest = DumpManifest(paths, out);
  absl::Status first_problem = manifest.ok() ? manifest->damage : manifest.status();
  if (flags.window.empty()) first_problem.Update(DumpLog(paths, flags, out));
  WindowSizes sizes;
  if (manifest.ok()) {
    bool any = false;
    for (const auto& [id, writes] : manifest->manifest.windows) {
      const std::string name = engine::NameOf(id);
      if (!flags.window.empty() && name.find(flags.window) == std::string::npos) continue;
      any = true;
      const std::string path = fmt::format("{}/{}", paths.windows, name);
      if (!flags.statistics) fmt::print(out, "{}\n", path);
      first_problem.Update(DumpWindow({.path = path,
                                       .metric = flags.series,
                                       .is_rollup = engine::IsRollup(id.retention),
                                       .sizes = flags.statistics ? &sizes : nullptr},
                                      out));
    }
    if (!any && !flags.window.empty()) {
      return absl::NotFoundError(fmt::format("{}: no window {}", flags.path, flags.window));
    }
  }
  if (flags.statistics) WriteSizes(sizes, out);
  return first_problem;
}

}  // namespace leadline::cli
