#include "collector/store/engine/manifest_file.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

absl::StatusOr<Manifest> ReadOne(file::Files& files, const Paths& paths, std::string_view name) {
  const std::string path = fmt::format("{}/{}", paths.dir, name);
  LL_ASSIGN_OR_RETURN(const std::string text, files.Read(path));
  absl::StatusOr<Manifest> manifest = ParseManifest(text);
  if (manifest.ok()) return manifest;
  return absl::Status(manifest.status().code(),
                      fmt::format("{}: {}", path, std::string(manifest.status().message())));
}

}  // namespace

absl::StatusOr<ManifestFile> ReadManifest(file::Files& files, const Paths& paths) {
  absl::StatusOr<Manifest> manifest = ReadOne(files, paths, kManifestName);
  if (manifest.ok()) return ManifestFile{*std::move(manifest), absl::OkStatus()};
  if (absl::IsUnimplemented(manifest.status())) return manifest.status();
  absl::StatusOr<Manifest> copy = ReadOne(files, paths, kManifestCopyName);
  if (copy.ok()) return ManifestFile{*std::move(copy), manifest.status()};
  if (absl::IsNotFound(manifest.status()) && absl::IsNotFound(copy.status())) {
    return manifest.status();
  }
  for (const absl::Status& status : {manifest.status(), copy.status()}) {
    if (!absl::IsNotFound(status) && !absl::IsDataLoss(status)) return status;  // may be mended
  }
  return absl::DataLossError(fmt::format(
      "{}; {}; which windows count and where the log begins is not known without them: bring one "
      "of them back from a back-up, or move {} away to begin without what it has",
      std::string(manifest.status().message()), std::string(copy.status().message()), paths.dir));
}

absl::Status ReplaceManifest(file::Files& files, const Paths& paths, const Manifest& manifest) {
  const std::string text = EncodeManifest(manifest);
  for (const std::string_view name : {kManifestCopyName, kManifestName}) {
    LL_RETURN_IF_ERROR(file::ReplaceFile(files, paths.dir, std::string(name), text));
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::engine
