#include "collector/store/window/window.h"

#include <algorithm>
#include <numeric>
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
namespace {

constexpr size_t kWriteBatchBytes = 4 << 20;
constexpr codec::ChunkKind kKinds[] = {codec::ChunkKind::kFloat, codec::ChunkKind::kHistogram};

rocksdb::Slice AsSlice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view AsView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

rocksdb::WriteOptions WithoutLog() {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return options;
}

bool Ascending(const std::vector<chunk::SealedChunkPtr>& chunks) {
  return std::adjacent_find(chunks.begin(), chunks.end(), [](const auto& a, const auto& b) {
           return a->info.last_ms >= b->info.first_ms;
         }) == chunks.end();
}

void AppendSealed(const chunk::Piece& piece, std::vector<chunk::SealedChunkPtr>& out) {
  if (piece.sealed) out.push_back(piece.sealed);
  const auto append = [&](std::vector<chunk::SealedChunkPtr> chunks) {
    out.insert(out.end(), chunks.begin(), chunks.end());
  };
  if (piece.floats) append(chunk::Seal(*piece.floats));
  if (piece.histograms) append(chunk::Seal(*piece.histograms));
}

}  // namespace

absl::StatusOr<std::shared_ptr<Window>> Window::Open(const std::string& path, int64_t start_ms,
                                                     const Shared& shared, bool create) {
  std::shared_ptr<Window> window(new Window(path, start_ms));
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(WindowOptions(shared, create), path, &db);
  window->db_.reset(db);
  LL_RETURN_IF_ERROR(FromRocks(opened, path, "open"));
  LL_RETURN_IF_ERROR(window->CheckFormat(create));
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
  const auto chunks = static_cast<char>(Table::kChunk);
  for (rows->Seek(first); rows->Valid() && rows->key()[0] < chunks; rows->Next()) {
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
  return WriteChunks(tenant_name, chunks, refs);
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

absl::Status Window::WriteChunks(std::string_view tenant_name, const TenantChunks& chunks,
                                 absl::Span<const SeriesRef> refs) {
  const std::unique_ptr<rocksdb::Iterator> stored(db_->NewIterator(rocksdb::ReadOptions()));
  rocksdb::WriteBatch batch;
  for (size_t i = 0; i < refs.size(); ++i) {
    for (const codec::ChunkKind kind : kKinds) {
      const std::string prefix = ChunkPrefix(tenant_name, refs[i].metric, refs[i].series, kind);
      LL_RETURN_IF_ERROR(PutChunks(prefix, kind, chunks.series[i].pieces, *stored, batch));
    }
    // A series' chunks are replaced as a whole, so a batch ends between two series.
    if (batch.GetDataSize() < kWriteBatchBytes && i + 1 < refs.size()) continue;
    LL_RETURN_IF_ERROR(FromRocks(db_->Write(WithoutLog(), &batch), path_, "write"));
    batch.Clear();
  }
  return absl::OkStatus();
}

absl::Status Window::PutChunks(std::string_view prefix, codec::ChunkKind kind,
                               absl::Span<const chunk::Piece> pieces, rocksdb::Iterator& stored,
                               rocksdb::WriteBatch& batch) const {
  std::vector<chunk::SealedChunkPtr> incoming;
  for (const chunk::Piece& piece : pieces) AppendSealed(piece, incoming);
  std::erase_if(incoming, [&](const chunk::SealedChunkPtr& sealed) {
    return sealed->info.kind != kind || chunk::WindowStart(sealed->info.first_ms) != start_ms_;
  });
  if (incoming.empty()) return absl::OkStatus();

  int64_t first_ms = incoming.front()->info.first_ms;
  int64_t last_ms = incoming.front()->info.last_ms;
  for (const chunk::SealedChunkPtr& sealed : incoming) {
    first_ms = std::min(first_ms, sealed->info.first_ms);
    last_ms = std::max(last_ms, sealed->info.last_ms);
  }
  std::vector<chunk::SealedChunkPtr> overlapped;
  LL_RETURN_IF_ERROR(Overlapping(prefix, first_ms, last_ms, stored, overlapped));
  if (!overlapped.empty() || !Ascending(incoming)) {
    std::vector<chunk::Piece> all;
    all.reserve(overlapped.size() + incoming.size());
    for (const chunk::SealedChunkPtr& sealed : overlapped) all.push_back({.sealed = sealed});
    for (const chunk::SealedChunkPtr& sealed : incoming) all.push_back({.sealed = sealed});
    chunk::ReadBudget unlimited = chunk::ReadBudget::Unlimited();
    LL_ASSIGN_OR_RETURN(
        const chunk::MergedSamples merged,
        chunk::MergePieces(all, start_ms_, chunk::WindowLast(start_ms_), unlimited));
    incoming = kind == codec::ChunkKind::kFloat ? chunk::Seal(merged.floats)
                                                : chunk::Seal(merged.histograms);
    for (const chunk::SealedChunkPtr& sealed : overlapped) {
      batch.Delete(ChunkKey(prefix, sealed->info.first_ms));
    }
  }
  for (const chunk::SealedChunkPtr& sealed : incoming) {
    batch.Put(ChunkKey(prefix, sealed->info.first_ms), sealed->bytes);
  }
  return absl::OkStatus();
}

// --- Reading ---

absl::Status Window::Overlapping(std::string_view prefix, int64_t start_ms, int64_t end_ms,
                                 rocksdb::Iterator& stored,
                                 std::vector<chunk::SealedChunkPtr>& out) const {
  // The chunk that begins last at or before the start may reach into the range.
  stored.SeekForPrev(ChunkKey(prefix, std::max(start_ms, start_ms_)));
  if (!stored.Valid() || !stored.key().starts_with(AsSlice(prefix))) {
    LL_RETURN_IF_ERROR(FromRocks(stored.status(), path_, "read"));
    stored.Seek(AsSlice(prefix));
  }
  for (; stored.Valid() && stored.key().starts_with(AsSlice(prefix)); stored.Next()) {
    const int64_t first_ms = ChunkKeyFirstMs(AsView(stored.key()));
    if (first_ms > end_ms) break;
    auto sealed = chunk::AsSealedChunk(stored.value().ToString());
    if (!sealed.ok() || (*sealed)->info.first_ms != first_ms) {
      return Damage(fmt::format(
          "chunk that begins at {} ms: {}", first_ms,
          sealed.ok() ? "its key says otherwise" : std::string(sealed.status().message())));
    }
    if ((*sealed)->info.last_ms >= start_ms) out.push_back(*std::move(sealed));
  }
  return FromRocks(stored.status(), path_, "read");
}

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
  // In the order of the keys, so that neighbours are read from the same block.
  std::vector<size_t> order(series.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::pair(series[a].metric, series[a].series) <
           std::pair(series[b].metric, series[b].series);
  });
  const std::unique_ptr<rocksdb::Iterator> stored(db_->NewIterator(rocksdb::ReadOptions()));
  std::vector<chunk::SealedChunkPtr> chunks;
  for (const size_t number : order) {
    for (const codec::ChunkKind kind : kKinds) {
      chunks.clear();
      LL_RETURN_IF_ERROR(
          Overlapping(ChunkPrefix(tenant, series[number].metric, series[number].series, kind),
                      start_ms, end_ms, *stored, chunks));
      for (chunk::SealedChunkPtr& sealed : chunks) {
        LL_RETURN_IF_ERROR(take(number, {.sealed = std::move(sealed)}));
      }
    }
  }
  return absl::OkStatus();
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
