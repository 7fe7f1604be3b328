#include "collector/store/window/rocks.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <initializer_list>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/cord.h"
#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/status.h>
#include <rocksdb/table.h>
#include <spdlog/spdlog.h>

#include "collector/store/window/postings_row.h"

namespace leadline::collector::store::window {
namespace {

constexpr size_t kWriteBufferBytes = 8 << 20;
// A block of samples is about as long, or longer and then alone.
constexpr size_t kBlockBytes = 32 << 10;
constexpr int kMaxOpenFiles = 64;  // a window
constexpr size_t kMaxLogLineBytes = 1024;
constexpr char kDamagedWindow[] = "leadline/damaged-window";  // its path, with a status

// What RocksDB warns of goes to our log, for whoever looks closer: errors come to who called, too.
// Its own log, a file beside its tables, ends the process when the disk is full: as Debian builds
// RocksDB, writing to a file after an error is an assertion.
class RocksLog final : public rocksdb::Logger {
 public:
  RocksLog() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

  using Logger::Logv;
  void Logv(const char* format, va_list values) override {
    Logv(rocksdb::InfoLogLevel::WARN_LEVEL, format, values);
  }
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list values) override {
    if (level < GetInfoLogLevel() || level >= rocksdb::InfoLogLevel::HEADER_LEVEL) return;
    std::array<char, kMaxLogLineBytes> text{};
    vsnprintf(text.data(), text.size(), format, values);
    std::replace(text.begin(), text.end(), '\n', ' ');
    spdlog::debug("RocksDB says \"{}\"", text.data());
  }
};

// Whether it is the text of one of the system's errors, which RocksDB keeps in no other way.
bool Names(std::string_view text, std::initializer_list<int> errors) {
  return std::any_of(errors.begin(), errors.end(), [text](int error) {
    return text.find(std::generic_category().message(error)) != std::string_view::npos;
  });
}

}  // namespace

std::shared_ptr<rocksdb::Cache> MakeBlockCache(size_t bytes) {
  // What does not fit in one is not kept.
  constexpr size_t kLeastShardBytes = 32 << 20;
  constexpr int kMostShardBits = 6;
  int shard_bits = 0;
  while (shard_bits < kMostShardBits && bytes >> (shard_bits + 1) >= kLeastShardBytes) ++shard_bits;
  return rocksdb::NewLRUCache(bytes, shard_bits);
}

rocksdb::Options WindowOptions(const Shared& shared, bool create) {
  rocksdb::Options options;
  if (shared.env != nullptr) options.env = shared.env;
  options.create_if_missing = create;
  options.error_if_exists = create;
  options.write_buffer_size = kWriteBufferBytes;
  options.max_open_files = kMaxOpenFiles;
  // Of a window there are few: sixteen threads, each made for it, are not quicker.
  options.max_file_opening_threads = 1;
  // 4 MiB of the disk for each window that is open, where some kilobytes are written.
  options.manifest_preallocation_size = 0;
  options.compression = rocksdb::kZSTD;
  options.info_log = std::make_shared<RocksLog>();
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  // What is not flushed is in the store's log; closing must not take the time of a flush.
  options.avoid_flush_during_shutdown = true;
  options.merge_operator = PostingsMerge();
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = shared.cache;
  table.block_size = kBlockBytes;
  table.format_version = 5;
  // Bounded by the cache too.
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

absl::Status DamagedWindow(const std::string& path, const std::string& text) {
  absl::Status status = absl::DataLossError(text);
  status.SetPayload(kDamagedWindow, absl::Cord(path));
  return status;
}

std::optional<std::string> DamagedWindowOf(const absl::Status& status) {
  if (!absl::IsDataLoss(status)) return std::nullopt;
  const auto path = status.GetPayload(kDamagedWindow);
  if (!path.has_value()) return std::nullopt;
  return std::string(*path);
}

bool IsTable(std::string_view file_name) { return file_name.ends_with(".sst"); }

rocksdb::WriteOptions WithoutLog() {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return options;
}

// Windows have no deletions of ranges. Where RocksDB looks for some, an iterator below level 0
// takes a block that cannot be read for the end of its file, goes on with the next file and says
// that all went well (mended in 8.5.2: https://github.com/facebook/rocksdb/pull/11782).
rocksdb::ReadOptions Reading() {
  rocksdb::ReadOptions options;
  options.ignore_range_deletions = true;
  return options;
}

rocksdb::ReadOptions ReadingOnce() {
  rocksdb::ReadOptions options = Reading();
  options.fill_cache = false;
  return options;
}

rocksdb::ReadOptions ReadingInPlace() {
  rocksdb::ReadOptions options = Reading();
  options.pin_data = true;
  return options;
}

rocksdb::Slice AsSlice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view AsView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

absl::Status FromRocks(const rocksdb::Status& status, const std::string& path,
                       std::string_view operation) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = fmt::format("{} window {}: {}", operation, path, status.ToString());
  // A file or a directory that is missing is reported in one of the latter ways, and so is one that
  // could not be opened for another reason: that is no damage, and is mended without loss.
  const bool says_damage = status.IsCorruption() || status.IsInvalidArgument() ||
                           status.IsNotFound() || status.IsPathNotFound();
  if (says_damage && !Names(text, {EMFILE, ENFILE, ENOMEM, EACCES, EPERM})) {
    return DamagedWindow(path, text);
  }
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(text);
  return absl::InternalError(text);
}

absl::Status FromOpen(const rocksdb::Status& status, const std::string& path) {
  absl::Status ours = FromRocks(status, path, "open");
  if (!status.IsIOError()) return ours;
  if (Names(status.ToString(), {EIO, EISDIR, ENOTDIR})) {
    return DamagedWindow(path, std::string(ours.message()));
  }
  return ours;
}

}  // namespace leadline::collector::store::window
