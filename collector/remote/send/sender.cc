#include "collector/remote/send/sender.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/time/clock.h"
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/remote/send/metadata.h"
#include "collector/remote/wire/snappy.h"
#include "common/clock.h"
#include "common/status_macros.h"

namespace leadline::collector::remote::send {
namespace {

constexpr char kPositionName[] = "POSITION";
constexpr absl::Duration kSaveEvery = absl::Seconds(1);
constexpr absl::Duration kTellEvery = absl::Seconds(10);  // of what is refused

// Format: docs/format/remote_write.md.
constexpr uint64_t kPositionVersion = 1;

std::string EncodePosition(const Position& position) {
  return fmt::format("v{} {} {} {}\n", kPositionVersion, position.base, position.segment,
                     position.offset);
}

// A number that ends with `end`, off the front of the text; false: there is none.
bool TakeNumber(std::string_view& text, char end, uint64_t& number) {
  const char* const last = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || stopped == last || *stopped != end) return false;
  text.remove_prefix(static_cast<size_t>(stopped - text.data()) + 1);
  return true;
}

absl::StatusOr<Position> ParsePosition(std::string_view text, const std::string& path) {
  Position position;
  uint64_t version = 0;
  const bool has_version = text.starts_with('v') && [&] {
    text.remove_prefix(1);
    return TakeNumber(text, ' ', version);
  }();
  if (has_version && version > kPositionVersion) {
    return absl::UnimplementedError(fmt::format("{}: version {}; this program reads up to {}", path,
                                                version, kPositionVersion));
  }
  if (has_version && TakeNumber(text, ' ', position.base) &&
      TakeNumber(text, ' ', position.segment) && TakeNumber(text, '\n', position.offset) &&
      text.empty()) {
    return position;
  }
  return absl::DataLossError(fmt::format(
      "{} is damaged; without it remote write begins with the oldest of the log", path));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Sender>> Sender::Open(SenderOptions options) {
  const std::string dir = options.dir + "/remote_write";
  LL_ASSIGN_OR_RETURN(std::unique_ptr<KeptSegments> segments,
                      KeptSegments::Open(*options.files, options.dir + "/log", dir));
  const std::string path = fmt::format("{}/{}", dir, kPositionName);
  Position position;
  const absl::StatusOr<std::string> text = options.files->Read(path);
  if (text.ok()) {
    LL_ASSIGN_OR_RETURN(position, ParsePosition(*text, path));
  } else if (!absl::IsNotFound(text.status())) {
    return text.status();
  }
  LL_RETURN_IF_ERROR(segments->NeedFrom(position.base));
  return std::unique_ptr<Sender>(new Sender(std::move(options), std::move(segments), position));
}

Sender::Sender(SenderOptions options, std::unique_ptr<KeptSegments> segments, Position position)
    : options_(std::move(options)),
      segments_(std::move(segments)),
      metrics_(*options_.registry),
      client_(options_.target, stopping_),
      position_(position),
      saved_(position) {}

Sender::~Sender() { Stop(); }

void Sender::Start(const store::Queryable& queryable, DescribeMetrics describe) {
  queryable_ = &queryable;
  describe_ = std::move(describe);
  thread_ = std::thread([this] { Run(); });
}

void Sender::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

bool Sender::Wait(absl::Duration time) {
  const absl::Time until = SteadyNow() + time;
  MutexLock lock(mutex_);
  while (!stopping_ && SteadyNow() < until) changed_.WaitFor(mutex_, until - SteadyNow());
  return !stopping_;
}

void Sender::Run() {
  // While the store still reads its log nobody knows the entities in it.
  while (!stopping_ &&
         absl::IsUnavailable(
             queryable_->EntitiesAt(options_.tenant, absl::ToUnixMillis(absl::Now())).status())) {
    Wait(kLookEvery);
  }
  reader_ = std::make_unique<LogReader>(*segments_, queryable_, options_.tenant,
                                        options_.histograms, position_);
  while (!stopping_) {
    GiveUpOldest();
    SendMetadata();
    const absl::StatusOr<Outgoing> outgoing = reader_->Next();
    metrics_.Count(reader_->TakeCounts());
    if (!outgoing.ok()) {
      metrics_.read_errors.Increment();
      spdlog::error("remote write cannot read the log: {}",
                    std::string(outgoing.status().message()));
      Wait(kMaxBackoff);
      continue;
    }
    if (!SendAll(*outgoing)) continue;
    if (outgoing->messages.empty()) Wait(kLookEvery);
  }
  SavePosition();
}

bool Sender::SendAll(const Outgoing& outgoing) {
  for (const Message& message : outgoing.messages) {
    if (!SendParts(message, 0, message.parts.size(), kMaxHalvings)) return false;
  }
  Advance(outgoing.end, /*save=*/false);
  return true;
}

// The older half first: in the other order its samples would be late.
bool Sender::SendParts(const Message& message, size_t from, size_t to, int halvings) {
  const absl::Status status = Deliver(message.BytesOf(from, to));
  if (absl::IsCancelled(status)) return false;
  const size_t samples = message.SamplesOf(from, to);
  if (status.ok()) {
    metrics_.samples.Increment(static_cast<double>(samples));
    metrics_.newest_seconds.Set(static_cast<double>(message.newest_ms) / 1000);
    return true;
  }
  if (absl::IsInvalidArgument(status) && halvings > 0 && to - from > 1) {
    const size_t middle = from + (to - from) / 2;
    return SendParts(message, from, middle, halvings - 1) &&
           SendParts(message, middle, to, halvings - 1);
  }
  metrics_.rejected.Increment(static_cast<double>(samples));
  refused_untold_ += samples;
  TellOfRefused(status);
  return true;
}

absl::Status Sender::Deliver(std::string_view bytes) {
  std::string packed;
  wire::CompressSnappy(bytes, packed);
  for (absl::Duration backoff = kMinBackoff; !stopping_;
       backoff = std::min(2 * backoff, kMaxBackoff)) {
    metrics_.requests.Increment();
    const PostResult result = client_.Post(packed);
    if (result.status.ok()) metrics_.bytes.Increment(static_cast<double>(packed.size()));
    if (!absl::IsUnavailable(result.status)) return result.status;
    metrics_.retries.Increment();
    if (backoff == kMinBackoff) {
      spdlog::warn("remote write to {} fails and is tried again: {}", options_.target.url,
                   std::string(result.status.message()));
    }
    if (!Wait(std::max(backoff, std::min(result.retry_after, kMaxBackoff * 12)))) break;
    if (GiveUpOldest()) break;
  }
  return absl::CancelledError("not wanted any more");
}

// A target may refuse all that there is, as fast as it comes.
void Sender::TellOfRefused(const absl::Status& why) {
  if (SteadyNow() - told_at_ < kTellEvery) return;
  told_at_ = SteadyNow();
  spdlog::error("the target of remote write refuses {} samples: {}",
                std::exchange(refused_untold_, 0), std::string(why.message()));
}

void Sender::SendMetadata() {
  if (describe_ == nullptr || SteadyNow() - described_at_ < options_.metadata_every) return;
  described_at_ = SteadyNow();
  std::string packed;
  for (const MetadataMessage& message : MetadataMessages(describe_())) {
    wire::CompressSnappy(message.bytes, packed);
    metrics_.requests.Increment();
    const PostResult result = client_.Post(packed);
    if (absl::IsCancelled(result.status)) return;
    const auto metrics = static_cast<double>(message.metrics);
    if (result.status.ok()) {
      metrics_.metadata.Increment(metrics);
      metrics_.bytes.Increment(static_cast<double>(packed.size()));
    } else {
      metrics_.failed_metadata.Increment(metrics);
      if (metadata_arrives_) {
        spdlog::warn("remote write to {} does not take what metrics are, which is sent again: {}",
                     options_.target.url, std::string(result.status.message()));
      }
    }
    metadata_arrives_ = result.status.ok();
    // Samples have to go on.
    if (absl::IsUnavailable(result.status)) return;
  }
}

void Sender::Advance(const Position& position, bool save) {
  const bool is_other_segment =
      position.segment != position_.segment || position.base != position_.base;
  position_ = position;
  if (!save && !is_other_segment && SteadyNow() - saved_at_ < kSaveEvery) return;
  SavePosition();
}

// What is not needed goes after that is written.
void Sender::SavePosition() {
  if (position_ == saved_) return;
  absl::Status status = store::file::ReplaceFile(*options_.files, options_.dir + "/remote_write",
                                                 kPositionName, EncodePosition(position_));
  if (status.ok()) {
    if (saved_.base != position_.base) status = segments_->NeedFrom(position_.base);
    saved_ = position_;
    saved_at_ = SteadyNow();
  }
  if (!status.ok()) {
    spdlog::error("remote write cannot keep how far it is: {}", std::string(status.message()));
  }
}

bool Sender::GiveUpOldest() {
  if (SteadyNow() - looked_at_ < kSaveEvery) return false;
  looked_at_ = SteadyNow();
  uint64_t kept = segments_->kept_bytes();
  bool moved = false;
  while (kept > options_.max_kept_bytes) {
    const std::optional<uint64_t> oldest = segments_->OldestKept();
    if (!oldest.has_value()) break;
    spdlog::error("remote write gives up log segment {}: {} bytes are kept for it, the limit is {}",
                  *oldest, kept, options_.max_kept_bytes);
    metrics_.given_up_segments.Increment();
    Position next = position_;
    next.base = *oldest + 1;
    if (position_.segment <= *oldest) next = {next.base, next.base, 0};
    Advance(next, /*save=*/true);
    moved = true;
    const uint64_t left = segments_->kept_bytes();
    if (left == kept) break;
    kept = left;
  }
  metrics_.kept_bytes.Set(static_cast<double>(kept));
  if (moved) {
    reader_ = std::make_unique<LogReader>(*segments_, queryable_, options_.tenant,
                                          options_.histograms, position_);
  }
  return moved;
}

}  // namespace leadline::collector::remote::send
