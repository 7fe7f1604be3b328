#include "collector/store/window/window.h"

#include <utility>

#include <fmt/format.h>
#include <rocksdb/db.h>

#include "collector/store/window/keys.h"
#include "collector/store/window/rocks.h"
#include "common/status_macros.h"

namespace leadline::collector::store::window {

absl::StatusOr<std::shared_ptr<Window>> Window::Open(const std::string& path, int64_t start_ms,
                                                     const Shared& shared, Access access,
                                                     int64_t length_ms) {
  const bool create = access == Access::kCreate;
  const bool read_only = access == Access::kRead;
  std::shared_ptr<Window> window(new Window(path, start_ms, length_ms, read_only, shared.cache));
  rocksdb::DB* db = nullptr;
  const rocksdb::Options options = WindowOptions(shared, create);
  const rocksdb::Status opened = read_only ? rocksdb::DB::OpenForReadOnly(options, path, &db)
                                           : rocksdb::DB::Open(options, path, &db);
  window->db_.reset(db);
  LL_RETURN_IF_ERROR(FromOpen(opened, path));
  window->durable_sequence_ = db->GetLatestSequenceNumber();
  LL_RETURN_IF_ERROR(window->CheckFormat(create));
  window->blocks_ = std::make_unique<Blocks>(*db, window->path_, start_ms, length_ms);
  LL_RETURN_IF_ERROR(window->blocks_->Load());
  window->rolled_up_ = std::make_unique<RolledUp>(*db, window->path_);
  LL_RETURN_IF_ERROR(window->rolled_up_->Load());
  window->dictionary_ = std::make_unique<Dictionary>(*db, shared.cache, path);
  return window;
}

Window::Window(std::string path, int64_t start_ms, int64_t length_ms, bool is_read_only,
               std::shared_ptr<rocksdb::Cache> cache)
    : path_(std::move(path)),
      start_ms_(start_ms),
      length_ms_(length_ms),
      is_read_only_(is_read_only),
      cache_(std::move(cache)) {}

Window::~Window() = default;

absl::Status Window::Damage(std::string_view what) const {
  return DamagedWindow(path_, fmt::format("window {}: {}", path_, what));
}

absl::Status Window::CheckFormat(bool create) {
  if (create) {
    const std::string version(1, static_cast<char>(kWindowVersion));
    LL_RETURN_IF_ERROR(FromRocks(db_->Put(WithoutLog(), FormatKey(), version), path_, "write"));
    return Sync();
  }
  std::string version;
  const rocksdb::Status read = db_->Get(Reading(), FormatKey(), &version);
  if (read.IsNotFound() || (read.ok() && version.size() != 1)) return Damage("no format version");
  LL_RETURN_IF_ERROR(FromRocks(read, path_, "read"));
  if (static_cast<uint8_t>(version[0]) < kWindowVersion) {
    return Damage(
        fmt::format("format {}, which is not read any more", static_cast<uint8_t>(version[0])));
  }
  if (static_cast<uint8_t>(version[0]) > kWindowVersion) {
    return absl::UnimplementedError(fmt::format("window {}: format {}; this program reads up to {}",
                                                path_, static_cast<uint8_t>(version[0]),
                                                kWindowVersion));
  }
  return absl::OkStatus();
}

absl::Status Window::GoOn() {
  if (!has_failed_) return absl::OkStatus();
  const rocksdb::Status resumed = db_->Resume();
  if (resumed.IsBusy()) {
    return absl::UnavailableError(fmt::format("window {} waits for room on the disk", path_));
  }
  LL_RETURN_IF_ERROR(FromRocks(resumed, path_, "go on with"));
  has_failed_ = false;
  return absl::OkStatus();
}

absl::Status Window::Written(absl::Status status) {
  if (!status.ok()) has_failed_ = true;
  return status;
}

absl::Status Window::Sync() {
  const uint64_t sequence = db_->GetLatestSequenceNumber();
  rocksdb::FlushOptions options;
  options.wait = true;
  LL_RETURN_IF_ERROR(Written(FromRocks(db_->Flush(options), path_, "flush")));
  durable_sequence_ = sequence;
  return absl::OkStatus();
}

uint64_t Window::table_bytes() const {
  uint64_t bytes = 0;
  return db_->GetIntProperty(rocksdb::DB::Properties::kTotalSstFilesSize, &bytes) ? bytes : 0;
}

absl::Status Window::Settle(int64_t before_ms) { return Written(blocks_->Settle(before_ms)); }

absl::Status Window::Compact() {
  const rocksdb::Status done = db_->CompactRange(rocksdb::CompactRangeOptions(), nullptr, nullptr);
  return Written(FromRocks(done, path_, "compact"));
}

absl::Status Window::Write(std::string_view tenant_name, const TenantChunks& chunks) {
  std::vector<index::DefinitionPtr> definitions;
  definitions.reserve(chunks.series.size());
  for (const SeriesChunks& series : chunks.series) definitions.push_back(series.definition);
  std::vector<SeriesRef> refs;
  LL_RETURN_IF_ERROR(Written(dictionary_->Write(tenant_name, chunks.entities, definitions, refs)));
  return Written(blocks_->Write(tenant_name, chunks.series, refs, *rolled_up_));
}

absl::Status Window::WarmUp(MayReadOn go_on) const {
  LL_ASSIGN_OR_RETURN(const std::vector<std::string> tenants, dictionary_->Tenants());
  const auto has_room = [&] { return go_on() && HasRoom(cache_.get()); };
  for (const std::string& tenant : tenants) {
    LL_RETURN_IF_ERROR(dictionary_->WarmUp(tenant, has_room));
  }
  for (const std::string& tenant : tenants) {
    LL_RETURN_IF_ERROR(blocks_->WarmUp(tenant, has_room, go_on));
  }
  return absl::OkStatus();
}

absl::Status Window::Read(std::string_view tenant, absl::Span<const SeriesRef> series,
                          int64_t start_ms, int64_t end_ms, const TakePiece& take) const {
  return blocks_->Read(tenant, series, start_ms, end_ms, take);
}

}  // namespace leadline::collector::store::window
