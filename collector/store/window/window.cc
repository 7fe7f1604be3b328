#include "collector/store/window/window.h"

#include <utility>

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include "collector/store/chunk/window_time.h"
#include "collector/store/window/keys.h"
#include "collector/store/window/rocks.h"
#include "common/status_macros.h"

namespace leadline::collector::store::window {

absl::StatusOr<std::shared_ptr<Window>> Window::Open(const std::string& path, int64_t start_ms,
                                                     const Shared& shared, bool create) {
  std::shared_ptr<Window> window(new Window(path, start_ms));
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(WindowOptions(shared, create), path, &db);
  window->db_.reset(db);
  LL_RETURN_IF_ERROR(FromRocks(opened, path, "open"));
  LL_RETURN_IF_ERROR(window->CheckFormat(create));
  window->blocks_ = std::make_unique<Blocks>(*db, window->path_, start_ms);
  LL_RETURN_IF_ERROR(window->blocks_->Load());
  return window;
}

Window::Window(std::string path, int64_t start_ms) : path_(std::move(path)), start_ms_(start_ms) {}

Window::~Window() = default;

absl::Status Window::Damage(std::string_view what) const {
  return absl::DataLossError(fmt::format("window {}: {}", path_, what));
}

absl::Status Window::CheckFormat(bool create) {
  if (create) {
    const std::string version(1, static_cast<char>(kWindowVersion));
    LL_RETURN_IF_ERROR(FromRocks(db_->Put(WithoutLog(), FormatKey(), version), path_, "write"));
    return Sync();
  }
  std::string version;
  const rocksdb::Status read = db_->Get(rocksdb::ReadOptions(), FormatKey(), &version);
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

absl::Status Window::Sync() {
  rocksdb::FlushOptions options;
  options.wait = true;
  return FromRocks(db_->Flush(options), path_, "flush");
}

absl::Status Window::Settle(int64_t before_ms) { return blocks_->Settle(before_ms); }

absl::Status Window::Compact() {
  return FromRocks(db_->CompactRange(rocksdb::CompactRangeOptions(), nullptr, nullptr), path_,
                   "compact");
}

// --- The dictionary ---

absl::Status Window::EnsureIndex() const {
  {
    ReaderLock lock(mutex_);
    if (indexed_) return absl::OkStatus();
  }
  WriterLock lock(mutex_);
  if (indexed_) return absl::OkStatus();
  Dictionary dictionary;
  LL_RETURN_IF_ERROR(Load(dictionary));
  dictionary_ = std::move(dictionary);
  indexed_ = true;
  return absl::OkStatus();
}

// A write that failed may have taken the index away since EnsureIndex.
absl::Status Window::CheckIndexed() const {
  if (indexed_) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("window {}: its index is being rebuilt", path_));
}

absl::Status Window::Load(Dictionary& dictionary) const {
  const std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(rocksdb::ReadOptions()));
  // Tables are in the order in which they refer to each other: entities, metrics, series.
  const std::string first(1, static_cast<char>(Table::kEntity));
  const auto last = static_cast<char>(Table::kSeries);
  for (rows->Seek(first); rows->Valid() && rows->key()[0] <= last; rows->Next()) {
    if (const auto wrong = dictionary.Load(AsView(rows->key()), AsView(rows->value()))) {
      return Damage(*wrong);
    }
  }
  return FromRocks(rows->status(), path_, "read the dictionary of");
}

// --- Writing ---

absl::Status Window::Write(std::string_view tenant_name, const TenantChunks& chunks) {
  LL_RETURN_IF_ERROR(EnsureIndex());
  std::vector<SeriesRef> refs;
  LL_RETURN_IF_ERROR(WriteRows(tenant_name, chunks, refs));
  return blocks_->Write(tenant_name, chunks.series, refs);
}

absl::Status Window::WriteRows(std::string_view tenant, const TenantChunks& chunks,
                               std::vector<SeriesRef>& refs) {
  rocksdb::WriteBatch batch;
  WriterLock lock(mutex_);
  LL_RETURN_IF_ERROR(CheckIndexed());
  const auto put = [&batch](std::string_view key, std::string_view value) {
    batch.Put(AsSlice(key), AsSlice(value));
  };
  for (const index::TimelinePtr& timeline : chunks.entities) {
    dictionary_.AddEntity(tenant, timeline, put);
  }
  for (const SeriesChunks& series : chunks.series) {
    refs.push_back(dictionary_.AddSeries(tenant, series.definition, put));
  }
  absl::Status written = FromRocks(db_->Write(WithoutLog(), &batch), path_, "write");
  if (!written.ok()) {
    // The index knows rows that are not there: build it anew when it is next needed.
    indexed_ = false;
    dictionary_ = {};
  }
  return written;
}

// --- Reading ---

absl::StatusOr<bool> Window::HasEntity(std::string_view tenant, const Id128& id) const {
  LL_RETURN_IF_ERROR(EnsureIndex());
  ReaderLock lock(mutex_);
  LL_RETURN_IF_ERROR(CheckIndexed());
  return dictionary_.HasEntity(tenant, id);
}

absl::Status Window::Find(std::string_view tenant, const index::Matchers& matchers,
                          absl::Span<const Id128> also, std::vector<SeriesRef>& out) const {
  LL_RETURN_IF_ERROR(EnsureIndex());
  ReaderLock lock(mutex_);
  LL_RETURN_IF_ERROR(CheckIndexed());
  dictionary_.Find(tenant, matchers, also, out);
  return absl::OkStatus();
}

absl::Status Window::Read(std::string_view tenant, absl::Span<const SeriesRef> series,
                          int64_t start_ms, int64_t end_ms, const TakePiece& take) const {
  return blocks_->Read(tenant, series, start_ms, end_ms, take);
}

absl::Status Window::Timelines(std::string_view tenant,
                               std::vector<index::TimelinePtr>& out) const {
  LL_RETURN_IF_ERROR(EnsureIndex());
  ReaderLock lock(mutex_);
  LL_RETURN_IF_ERROR(CheckIndexed());
  dictionary_.Timelines(tenant, out);
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::window
