#include "kube/reflector.h"

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/status_macros.h"
#include "common/status_text.h"
#include "common/string_map.h"
#include "kube/http_session.h"
#include "kube/line_splitter.h"
#include "kube/url.h"
#include "kube/watch_decoder.h"

namespace leadline::kube {
namespace {

// A watch that the server ended sooner, without any event, is taken for a failure.
constexpr int64_t kShortWatchNs = 1'000'000'000;
constexpr size_t kMaxErrorBodyBytes = size_t{64} << 10;

enum class WatchEnd : uint8_t {
  kClosed,      // the server ended it, as it does after timeoutSeconds
  kGone,        // the version is too old
  kUnreadable,  // no JSON, or a line over the limit: what it said is lost
  kTruncated,   // ended within a line
  kSilent,
  kBrokenOff,  // connection refused, reset, ...
  kRefused,    // another HTTP status or ERROR event
  kStopped,
};

std::string_view Name(WatchEnd end) {
  switch (end) {
    case WatchEnd::kClosed:
      return "closed";
    case WatchEnd::kGone:
      return "gone";
    case WatchEnd::kUnreadable:
      return "unreadable";
    case WatchEnd::kTruncated:
      return "truncated";
    case WatchEnd::kSilent:
      return "silent";
    case WatchEnd::kBrokenOff:
      return "broken_off";
    case WatchEnd::kRefused:
      return "refused";
    case WatchEnd::kStopped:
      return "stopped";
  }
  return "unknown";
}

std::string_view Name(WatchEventType type) {
  switch (type) {
    case WatchEventType::kAdded:
      return "added";
    case WatchEventType::kModified:
      return "modified";
    case WatchEventType::kDeleted:
      return "deleted";
    case WatchEventType::kBookmark:
      return "bookmark";
    case WatchEventType::kError:
      return "error";
    case WatchEventType::kUnknown:
      break;
  }
  return "unknown";
}

// Whether the version or continue token of a list is what was refused. 504 is how a server answers
// a version that is newer than its own, as after a restored backup.
bool IsStale(int http_status) { return http_status == 410 || http_status == 504; }

WatchEnd EndOfTransport(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kCancelled:
      return WatchEnd::kStopped;
    case absl::StatusCode::kDeadlineExceeded:
      return WatchEnd::kSilent;
    default:
      return WatchEnd::kBrokenOff;
  }
}

// Whether the watch cannot go on from the last version.
bool MustList(WatchEnd end, const absl::Status& status) {
  if (end == WatchEnd::kRefused) {
    return status.code() != absl::StatusCode::kUnavailable &&
           status.code() != absl::StatusCode::kResourceExhausted;
  }
  return end == WatchEnd::kGone || end == WatchEnd::kUnreadable;
}

}  // namespace

class Reflector::Loop {
 public:
  Loop(std::unique_ptr<HttpSession> session, Resource resource, ReflectorOptions options,
       const Clock& clock, std::unique_ptr<Pauser> pauser, ReflectorMetrics metrics,
       Handler handler)
      : session_(std::move(session)),
        resource_(std::move(resource)),
        options_(options),
        clock_(clock),
        pauser_(std::move(pauser)),
        metrics_(std::move(metrics)),
        handler_(std::move(handler)),
        backoff_(options.backoff, options.seed),
        random_(options.seed),
        thread_([this] { Run(); }) {}

  ~Loop() {
    session_->Stop();
    pauser_->Stop();
    thread_.join();
  }

 private:
  struct WatchResult {
    WatchEnd end = WatchEnd::kClosed;
    absl::Status status;  // OK for kClosed only
    int64_t retry_after_ms = 0;
  };

  void Run();
  bool Pause(int64_t at_least_ms);
  // Lists until it succeeds; false when stopped.
  bool ListUntilDone();
  void DeliverList(ObjectList list);
  WatchResult Watch();
  std::string WatchTarget();
  WatchResult ReadWatch(const HttpRequest& request);
  // An error ends the watch; `end` says how.
  absl::Status OnLine(std::string_view line, std::optional<WatchEnd>& end);
  void Apply(WatchEventType type, std::shared_ptr<const Object> object);
  void Emit(EventType type, std::shared_ptr<const Object> object = nullptr);
  void LogProblem(const absl::Status& status);
  void NoteProgress();

  const std::unique_ptr<HttpSession> session_;
  const Resource resource_;
  const ReflectorOptions options_;
  const Clock& clock_;
  const std::unique_ptr<Pauser> pauser_;
  const ReflectorMetrics metrics_;
  const Handler handler_;

  // The thread's own.
  Backoff backoff_;
  std::mt19937_64 random_;
  // Where to list from, and to watch from once listed. "0": nothing is known yet.
  std::string version_ = "0";
  StringMap<std::shared_ptr<const Object>> known_;  // by uid
  bool progress_ = false;                           // in this watch
  std::string last_problem_;

  std::thread thread_;  // the last member: it uses the others
};

void Reflector::Loop::Run() {
  bool must_list = true;
  while (true) {
    if (must_list && !ListUntilDone()) return;
    const WatchResult result = Watch();
    if (result.end == WatchEnd::kStopped) return;
    if (result.end != WatchEnd::kClosed) {
      LogProblem(result.status);
      if (!Pause(result.retry_after_ms)) return;
    }
    must_list = MustList(result.end, result.status);
  }
}

bool Reflector::Loop::Pause(int64_t at_least_ms) {
  return pauser_->Wait(std::max(at_least_ms, backoff_.NextMs()));
}

bool Reflector::Loop::ListUntilDone() {
  while (true) {
    HttpResponse response;
    auto list = List(*session_, resource_, options_.list, version_, response);
    if (list.ok()) {
      metrics_.CountList("ok");
      DeliverList(*std::move(list));
      return true;
    }
    if (list.status().code() == absl::StatusCode::kCancelled) return false;
    metrics_.CountList(IsStale(response.status) ? "gone" : "error");
    LogProblem(list.status());
    if (IsStale(response.status)) version_.clear();  // the newest
    if (!Pause(response.retry_after_ms)) return false;
  }
}

void Reflector::Loop::DeliverList(ObjectList list) {
  metrics_.CountBadObjects("list", static_cast<double>(list.bad_objects));
  metrics_.SetLastEvent(static_cast<double>(clock_.NowUnixMs()) / 1000);
  StringSet listed;
  for (const auto& object : list.objects) listed.insert(object->meta.uid);
  // First what is gone: a successor may have its name.
  std::vector<std::shared_ptr<const Object>> vanished;
  for (const auto& [uid, object] : known_) {
    if (!listed.contains(uid)) vanished.push_back(object);
  }
  for (auto& object : vanished) Apply(WatchEventType::kDeleted, std::move(object));
  for (auto& object : list.objects) Apply(WatchEventType::kModified, std::move(object));
  version_ = std::move(list.resource_version);
  spdlog::info("{}: listed {} as of version {}", resource_.name, known_.size(), version_);
  Emit(EventType::kSynced);
}

std::string Reflector::Loop::WatchTarget() {
  std::uniform_int_distribution<int> timeout_s(options_.watch_timeout_s,
                                               2 * options_.watch_timeout_s);
  std::string target =
      fmt::format("{}?watch=1&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
                  resource_.path, PercentEncode(version_), timeout_s(random_));
  if (!resource_.field_selector.empty()) {
    target += fmt::format("&fieldSelector={}", PercentEncode(resource_.field_selector));
  }
  return target;
}

Reflector::Loop::WatchResult Reflector::Loop::Watch() {
  metrics_.CountWatch();
  progress_ = false;
  const int64_t begin_ns = clock_.NowMonoNs();
  WatchResult result =
      ReadWatch({.target = WatchTarget(), .max_silence_ms = options_.watch_max_silence_ms});
  if (result.end == WatchEnd::kClosed && !progress_ &&
      clock_.NowMonoNs() - begin_ns < kShortWatchNs) {
    result.end = WatchEnd::kBrokenOff;
    result.status = absl::UnavailableError("the server ended a watch at once");
  }
  metrics_.CountWatchEnd(Name(result.end));
  return result;
}

Reflector::Loop::WatchResult Reflector::Loop::ReadWatch(const HttpRequest& request) {
  LineSplitter lines(options_.max_event_bytes);
  std::string error_body;
  std::optional<WatchEnd> end;
  const auto sink = [&](int http_status, std::string_view chunk) {
    if (http_status != 200) {
      error_body += chunk.substr(0, kMaxErrorBodyBytes - error_body.size());
      return absl::OkStatus();
    }
    absl::Status status =
        lines.Append(chunk, [&](std::string_view line) { return OnLine(line, end); });
    if (!status.ok() && !end) end = WatchEnd::kUnreadable;
    return status;
  };
  const auto response = session_->Get(request, sink);
  if (end) return {*end, response.status()};
  if (!response.ok()) return {EndOfTransport(response.status()), response.status()};
  if (response->status != 200) {
    absl::Status status = StatusFromHttp(request.target, response->status, error_body);
    const bool gone = status.code() == absl::StatusCode::kOutOfRange;
    return {gone ? WatchEnd::kGone : WatchEnd::kRefused, std::move(status),
            response->retry_after_ms};
  }
  if (lines.unfinished_bytes() > 0) {
    return {WatchEnd::kTruncated, absl::UnavailableError("a watch ended within an event")};
  }
  return {};
}

absl::Status Reflector::Loop::OnLine(std::string_view line, std::optional<WatchEnd>& end) {
  LL_ASSIGN_OR_RETURN(WatchEvent event, DecodeWatchEvent(line, resource_));
  metrics_.CountEvent(Name(event.type));
  if (event.type == WatchEventType::kError) {
    const bool gone = event.error.code() == absl::StatusCode::kOutOfRange;
    end = gone ? WatchEnd::kGone : WatchEnd::kRefused;
    return event.error;
  }
  NoteProgress();
  if (!event.bad_object.ok()) {
    metrics_.CountBadObjects("watch", 1);
    spdlog::warn("watch of {}: skipped an object: {}", resource_.name,
                 StatusMessage(event.bad_object));
  }
  if (event.object != nullptr) Apply(event.type, std::move(event.object));
  if (!event.resource_version.empty()) version_ = std::move(event.resource_version);
  return absl::OkStatus();
}

void Reflector::Loop::Apply(WatchEventType type, std::shared_ptr<const Object> object) {
  const ObjectMeta& meta = object->meta;
  const auto it = known_.find(meta.uid);
  const bool is_known = it != known_.end();
  if (type == WatchEventType::kDeleted) {
    if (!is_known) return;
    known_.erase(it);
    metrics_.SetObjects(static_cast<double>(known_.size()));
    Emit(EventType::kDeleted, std::move(object));
    return;
  }
  if (is_known && !meta.resource_version.empty() &&
      it->second->meta.resource_version == meta.resource_version) {
    return;
  }
  known_[meta.uid] = object;
  metrics_.SetObjects(static_cast<double>(known_.size()));
  Emit(is_known ? EventType::kModified : EventType::kAdded, std::move(object));
}

void Reflector::Loop::Emit(EventType type, std::shared_ptr<const Object> object) {
  handler_(Event{type, std::move(object)});
}

void Reflector::Loop::NoteProgress() {
  progress_ = true;
  backoff_.Reset();
  LogProblem(absl::OkStatus());
  metrics_.SetLastEvent(static_cast<double>(clock_.NowUnixMs()) / 1000);
}

void Reflector::Loop::LogProblem(const absl::Status& status) {
  if (StatusMessage(status) == last_problem_) return;
  last_problem_ = StatusMessage(status);
  if (status.ok()) {
    spdlog::info("{}: in step with the API server again", resource_.name);
  } else {
    spdlog::warn("{}: {}", resource_.name, last_problem_);
  }
}

Reflector::Reflector(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
Reflector::~Reflector() = default;

absl::StatusOr<std::unique_ptr<Reflector>> Reflector::Start(
    const ClientConfig& client, Resource resource, ReflectorOptions options, const Clock& clock,
    std::unique_ptr<Pauser> pauser, ReflectorMetrics metrics, Handler handler) {
  LL_ASSIGN_OR_RETURN(std::unique_ptr<HttpSession> session, HttpSession::Open(client));
  return std::unique_ptr<Reflector>(new Reflector(
      std::make_unique<Loop>(std::move(session), std::move(resource), options, clock,
                             std::move(pauser), std::move(metrics), std::move(handler))));
}

}  // namespace leadline::kube
