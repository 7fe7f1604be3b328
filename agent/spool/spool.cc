#include "agent/spool/spool.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/status_macros.h"

namespace leadline::agent::spool {
namespace {

// A segment is a part of the room, so that dropping one costs little, within these.
constexpr uint64_t kSegmentsInRoom = 16;
constexpr uint64_t kLeastSegmentBytes = 64 << 10;
constexpr uint64_t kMostSegmentBytes = 4 << 20;
// A segment has at least so many times its keyframe in batches.
constexpr uint64_t kBatchesPerKeyframe = 4;
// A file that is larger was not made by us.
constexpr uint64_t kMaxFileBytes = uint64_t{1} << 30;

absl::Status Errno(int error, std::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(error, fmt::format("agent spool: {} {}", what, path));
}

absl::Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t done = write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return Errno(errno, "writing", path);
    bytes.remove_prefix(static_cast<size_t>(done));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return Errno(errno, "opening", path);
  const off_t size = lseek(fd.get(), 0, SEEK_END);
  if (size < 0) return Errno(errno, "reading", path);
  if (static_cast<uint64_t>(size) > kMaxFileBytes) {
    return absl::DataLossError(fmt::format("agent spool: {} has {} bytes", path, size));
  }
  std::string bytes(static_cast<size_t>(size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got =
        pread(fd.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Errno(errno, "reading", path);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

Recovered& Of(std::vector<Recovered>& all, const Writer& writer) {
  for (Recovered& one : all) {
    if (one.writer == writer) return one;
  }
  all.push_back({.writer = writer});
  return all.back();
}

// In order; of what overlaps, batches that are there count before lost ranges.
void Settle(Recovered& recovered) {
  std::vector<RecoveredItem>& items = recovered.items;
  std::erase_if(items, [&](const auto& item) { return item.last <= recovered.acknowledged; });
  std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    if (a.location.has_value() != b.location.has_value()) return a.location.has_value();
    return a.last > b.last;  // a range is recorded again each time that it grows
  });
  std::vector<RecoveredItem> settled;
  uint64_t done = recovered.acknowledged;
  for (RecoveredItem& item : items) {
    if (item.last <= done) continue;
    item.first = std::max(item.first, done + 1);
    done = item.last;
    settled.push_back(item);
  }
  items = std::move(settled);
}

}  // namespace

absl::StatusOr<Spool::Opened> Spool::Open(SpoolOptions options) {
  std::error_code error;
  std::filesystem::create_directories(options.dir, error);
  if (error) return Errno(error.value(), "cannot make the directory", options.dir);
  Opened opened;
  opened.spool.reset(new Spool(std::move(options)));
  LL_RETURN_IF_ERROR(opened.spool->Recover(opened));
  return opened;
}

absl::Status Spool::Recover(Opened& opened) {
  std::vector<uint64_t> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator it(options_.dir, error), end; !error && it != end;
       it.increment(error)) {
    const auto number = ParseSegmentFileName(it->path().filename().string());
    if (number) numbers.push_back(*number);
  }
  if (error) return Errno(error.value(), "cannot read the directory", options_.dir);
  std::sort(numbers.begin(), numbers.end());

  auto index = std::make_shared<DefinitionIndex>();
  for (const uint64_t number : numbers) {
    next_number_ = number + 1;
    const std::string path = Path(number);
    const absl::StatusOr<std::string> read = ReadFile(path);
    if (!read.ok()) {
      ++opened.damaged_places;
      spdlog::error("{}; the file is left where it is", std::string(read.status().message()));
      continue;
    }
    const std::string& bytes = *read;
    if (const auto version = NewerVersion(bytes)) {
      ++opened.damaged_places;
      spdlog::error(
          "agent spool: {} is of version {}, this program reads {}; the file is left where it is",
          path, *version, kVersion);
      continue;
    }
    auto contents = Scan(bytes);
    if (!contents || contents->header.number != number) {
      // A process that was killed as it began the file has nothing in it that matters.
      ++opened.damaged_places;
      spdlog::error("agent spool: {} at 0: {} bytes without a header of a segment, removed", path,
                    bytes.size());
      unlink(path.c_str());
      continue;
    }
    for (const Damage& damage : contents->damage) {
      ++opened.damaged_places;
      spdlog::error("agent spool: {} at {}: {}", path, damage.offset, damage.what);
    }
    Segment& segment = segments_.emplace_back();
    segment.number = number;
    segment.writer = contents->header.writer;
    segment.bytes = bytes.size();
    total_bytes_ += bytes.size();
    for (const SegmentBatch& batch : contents->batches) {
      if (batch.usable) segment.batches.push_back({batch.sequence, batch.samples});
    }
    (*index)[number] = std::move(contents->definitions);
    Collect(*contents, opened.recovered);
  }
  // Of lost ranges there is only a record in a later segment.
  std::stable_sort(opened.recovered.begin(), opened.recovered.end(),
                   [](const auto& a, const auto& b) { return a.writer.epoch < b.writer.epoch; });
  for (Recovered& recovered : opened.recovered) {
    Settle(recovered);
    for (const RecoveredItem& item : recovered.items) {
      if (item.location) continue;
      losses_.push_back({{recovered.writer, item.first, item.last, item.samples}});
    }
  }
  for (const Recovered& recovered : opened.recovered) {
    Acknowledge(recovered.writer, recovered.items.empty() ? std::numeric_limits<uint64_t>::max()
                                                          : recovered.acknowledged);
  }
  std::erase_if(opened.recovered, [](const Recovered& r) { return r.items.empty(); });
  opened.definitions = std::move(index);
  return absl::OkStatus();
}

void Spool::Collect(const SegmentContents& contents, std::vector<Recovered>& all) const {
  {
    Recovered& recovered = Of(all, contents.header.writer);
    recovered.acknowledged = std::max(recovered.acknowledged, contents.acknowledged);
    for (const SegmentBatch& batch : contents.batches) {
      RecoveredItem& item = recovered.items.emplace_back();
      item.first = item.last = batch.sequence;
      item.samples = batch.samples;
      item.damaged = !batch.usable;
      if (batch.usable) {
        item.location = Location{contents.header.number, batch.offset, batch.batch_bytes};
      }
    }
  }
  for (const LostRange& lost : contents.lost) {
    Of(all, lost.writer)
        .items.push_back({.first = lost.first, .last = lost.last, .samples = lost.samples});
  }
}

bool Spool::NeedsSegment() const {
  if (!fd_.is_open()) return true;
  const uint64_t wanted =
      std::clamp(Limit() / kSegmentsInRoom, kLeastSegmentBytes, kMostSegmentBytes);
  const uint64_t batches = segments_.back().bytes - keyframe_bytes_;
  return batches >= std::max(wanted, keyframe_bytes_ * kBatchesPerKeyframe);
}

absl::Status Spool::BeginSegment(uint64_t first, std::string_view keyframe) {
  CloseSegment();
  const uint64_t number = next_number_++;
  const std::string path = Path(number);
  fd_ = Fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600));
  if (!fd_.is_open()) return Errno(errno, "cannot make", path);
  directory_changed_ = true;
  Segment& segment = segments_.emplace_back();
  segment.number = number;
  segment.writer = options_.writer;
  for (Loss& loss : losses_) loss.recorded = false;

  RecordHeader header;
  header.type = RecordType::kKeyframe;
  header.first = header.last = first;
  header.acknowledged = acknowledged_[options_.writer];
  std::string bytes = EncodeSegmentHeader({number, options_.writer});
  bytes += EncodeRecordHeader(header, keyframe, {}, number);
  bytes += keyframe;
  definitions_written_ = 1;
  keyframe_bytes_ = bytes.size();
  if (absl::Status status = Write(bytes); !status.ok()) {
    CloseSegment();
    Remove(segments_.size() - 1);
    return status;
  }
  return WriteLosses();
}

absl::StatusOr<Location> Spool::Append(uint64_t sequence, uint64_t samples,
                                       std::string_view definitions, std::string_view batch) {
  RecordHeader header;
  header.type = RecordType::kBatch;
  header.first = header.last = sequence;
  header.samples = samples;
  header.acknowledged = acknowledged_[options_.writer];
  header.definitions_before = definitions_written_;
  const uint64_t number = segments_.back().number;
  std::string bytes = EncodeRecordHeader(header, definitions, batch, number);
  bytes += definitions;
  bytes += batch;
  if (absl::Status status = Write(bytes); !status.ok()) {
    CloseSegment();
    return status;
  }
  if (!definitions.empty()) ++definitions_written_;
  Segment& segment = segments_.back();
  segment.batches.push_back({sequence, samples});
  const Location location{number, segment.bytes - bytes.size(),
                          static_cast<uint32_t>(batch.size())};
  // What had to go for this one.
  if (absl::Status status = WriteLosses(); !status.ok()) CloseSegment();
  return location;
}

absl::Status Spool::Sync() {
  if (fd_.is_open() && fdatasync(fd_.get()) != 0) {
    return Errno(errno, "syncing", Path(segments_.back().number));
  }
  if (!std::exchange(directory_changed_, false)) return absl::OkStatus();
  const Fd dir(open(options_.dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.is_open() || fsync(dir.get()) != 0) return Errno(errno, "syncing", options_.dir);
  return absl::OkStatus();
}

void Spool::Acknowledge(const Writer& writer, uint64_t sequence) {
  uint64_t& acknowledged = acknowledged_[writer];
  acknowledged = std::max(acknowledged, sequence);
  std::erase_if(losses_, [&](const Loss& loss) {
    return loss.range.writer == writer && loss.range.last <= sequence;
  });
  for (size_t i = segments_.size(); i-- > 0;) {
    const Segment& segment = segments_[i];
    const bool newest = fd_.is_open() && i + 1 == segments_.size();
    const bool done = segment.batches.empty() || segment.batches.back().sequence <= sequence;
    if (segment.writer == writer && done && !newest) Remove(i);
  }
}

void Spool::Close() {
  CloseSegment();
  for (const auto& [writer, sequence] : std::map(acknowledged_)) Acknowledge(writer, sequence);
}

std::string Spool::Path(uint64_t number) const {
  return fmt::format("{}/{}", options_.dir, SegmentFileName(number));
}

uint64_t Spool::Limit() const {
  struct statvfs room {};
  if (statvfs(options_.dir.c_str(), &room) != 0) return options_.max_bytes;
  return std::min(options_.max_bytes, total_bytes_ + uint64_t{room.f_bavail} * room.f_frsize);
}

bool Spool::MakeRoom(uint64_t bytes) {
  while (total_bytes_ + bytes > options_.max_bytes) {
    if (!DropOldest()) return false;
  }
  return true;
}

bool Spool::DropOldest() {
  if (segments_.size() < 2) return false;  // the last is being written
  const Segment oldest = segments_.front();
  ++dropped_segments_;
  Remove(0);
  const uint64_t acknowledged = acknowledged_[oldest.writer];
  LostRange lost{oldest.writer, 0, 0, 0};
  for (const Batch& batch : oldest.batches) {
    if (batch.sequence <= acknowledged) continue;
    if (lost.first == 0) lost.first = batch.sequence;
    lost.last = batch.sequence;
    lost.samples += batch.samples;
  }
  // Those of others that were recorded only there.
  for (Loss& loss : losses_) loss.recorded = false;
  if (lost.first != 0) NoteLoss(lost);
  return true;
}

void Spool::NoteLoss(const LostRange& lost) {
  if (options_.dropped) options_.dropped(lost);
  for (Loss& loss : losses_) {
    if (loss.range.writer != lost.writer || lost.first > loss.range.last + 1 ||
        loss.range.first > lost.last + 1) {
      continue;
    }
    loss.range.first = std::min(loss.range.first, lost.first);
    loss.range.last = std::max(loss.range.last, lost.last);
    loss.range.samples += lost.samples;
    loss.recorded = false;
    return;
  }
  losses_.push_back({lost});
}

void Spool::Remove(size_t index) {
  const Segment& segment = segments_[index];
  const std::string path = Path(segment.number);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    spdlog::error("agent spool: cannot remove {}: {}", path,
                  std::generic_category().message(errno));
  }
  total_bytes_ -= segment.bytes;
  segments_.erase(segments_.begin() + static_cast<ptrdiff_t>(index));
}

absl::Status Spool::Write(std::string_view bytes) {
  const std::string path = Path(segments_.back().number);
  if (!MakeRoom(bytes.size())) {
    return absl::ResourceExhaustedError(
        fmt::format("agent spool: no room for {} bytes within {} in {}", bytes.size(),
                    options_.max_bytes, options_.dir));
  }
  const uint64_t begin = segments_.back().bytes;
  while (true) {
    absl::Status status = WriteAll(fd_.get(), bytes, path);
    if (status.ok()) break;
    const bool full = absl::IsResourceExhausted(status);
    if (ftruncate(fd_.get(), static_cast<off_t>(begin)) != 0 || !full || !DropOldest()) {
      return status;
    }
  }
  segments_.back().bytes += bytes.size();
  total_bytes_ += bytes.size();
  written_bytes_ += bytes.size();
  return absl::OkStatus();
}

absl::Status Spool::WriteLosses() {
  // By index: writing may drop more, which appends.
  for (size_t i = 0; i < losses_.size(); ++i) {
    if (losses_[i].recorded) continue;
    const LostRange range = losses_[i].range;
    RecordHeader header;
    header.type = RecordType::kLost;
    header.first = range.first;
    header.last = range.last;
    header.samples = range.samples;
    header.acknowledged = acknowledged_[options_.writer];
    header.definitions_before = definitions_written_;
    const std::string writer = EncodeWriter(range.writer);
    std::string bytes = EncodeRecordHeader(header, {}, writer, segments_.back().number);
    bytes += writer;
    LL_RETURN_IF_ERROR(Write(bytes));
    losses_[i].recorded = true;
  }
  return absl::OkStatus();
}

void Spool::CloseSegment() {
  fd_.Reset();
  keyframe_bytes_ = 0;
}

}  // namespace leadline::agent::spool
