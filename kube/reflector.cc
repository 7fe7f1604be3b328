#include "kube/reflector.h"

#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include <spdlog/spdlog.h>

#include "common/catch_status.h"
#include "common/status_macros.h"
#include "common/status_text.h"
#include "kube/http_session.h"
#include "kube/object_cache.h"
#include "kube/problem.h"
#include "kube/watch_stream.h"

namespace leadline::kube {
namespace {

// A watch that the server ended sooner, without any event, is taken for a failure.
constexpr int64_t kShortWatchNs = 1'000'000'000;

// Whether the version or continue token of a list is what was refused. 504 is how a server answers
// a version that is newer than its own, as after a restored backup.
bool IsStale(int http_status) { return http_status == 410 || http_status == 504; }

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
  void Run();
  // After the failure that `status` tells of; false when stopped.
  bool Pause(const absl::Status& status, int64_t at_least_ms);
  // Lists until it succeeds; false when stopped.
  bool ListUntilDone();
  void DeliverList(ObjectList list);
  WatchResult Watch();
  void OnWatchEvent(WatchEvent event);
  void Emit(Event event);
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
  ObjectCache known_;
  bool progress_ = false;  // in this watch
  bool answered_ = false;  // the latest failure was an answer of the server
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
      // A server without changes may send no bookmarks either (seen of 1.20), and the silence
      // itself has been pause enough.
      if (result.end == WatchEnd::kSilent) backoff_.Reset();
      if (!Pause(result.status, result.retry_after_ms)) return;
    }
    must_list = result.MustList();
  }
}

bool Reflector::Loop::Pause(const absl::Status& status, int64_t at_least_ms) {
  // What an outage has made of the pauses is not for the first answer after it, which most often
  // is that our version is gone. More such answers make them grow again.
  const bool answered = ServerAnswered(status);
  if (answered && !answered_) backoff_.Reset();
  answered_ = answered;
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
    metrics_.CountList(IsStale(response.status) ? "gone" : ProblemName(list.status()));
    LogProblem(list.status());
    if (IsStale(response.status)) version_.clear();  // the newest
    if (!Pause(list.status(), response.retry_after_ms)) return false;
  }
}

void Reflector::Loop::DeliverList(ObjectList list) {
  metrics_.CountBadObjects("list", static_cast<double>(list.bad_objects));
  if (list.expired) metrics_.CountExpiredList();
  metrics_.SetLastEvent(static_cast<double>(clock_.NowUnixMs()) / 1000);
  known_.Replace(std::move(list.objects), [this](Event event) { Emit(std::move(event)); });
  version_ = std::move(list.resource_version);
  spdlog::info("{}: listed {} as of version {}", resource_.name, known_.size(), version_);
  Emit({EventType::kSynced, nullptr});
}

WatchResult Reflector::Loop::Watch() {
  metrics_.CountWatch();
  progress_ = false;
  std::uniform_int_distribution<int> timeout_s(options_.watch_timeout_s,
                                               2 * options_.watch_timeout_s);
  const int64_t begin_ns = clock_.NowMonoNs();
  WatchResult result = ReadWatch(*session_, resource_,
                                 {.resource_version = version_,
                                  .timeout_s = timeout_s(random_),
                                  .max_silence_ms = options_.watch_max_silence_ms,
                                  .max_event_bytes = options_.max_event_bytes},
                                 [this](WatchEvent event) { OnWatchEvent(std::move(event)); });
  if (result.end == WatchEnd::kClosed && !progress_ &&
      clock_.NowMonoNs() - begin_ns < kShortWatchNs) {
    result.end = WatchEnd::kBrokenOff;
    result.status = absl::UnavailableError("the server ended a watch at once");
  }
  metrics_.CountWatchEnd(WatchEndName(result.end));
  return result;
}

void Reflector::Loop::OnWatchEvent(WatchEvent event) {
  metrics_.CountEvent(WatchEventTypeName(event.type));
  if (event.type == WatchEventType::kError) return;  // it is how the watch ends
  NoteProgress();
  if (!event.bad_object.ok()) {
    metrics_.CountBadObjects("watch", 1);
    spdlog::warn("watch of {}: skipped an object: {}", resource_.name,
                 StatusMessage(event.bad_object));
  }
  const auto emit = [this](Event change) { Emit(std::move(change)); };
  if (event.object != nullptr && event.type == WatchEventType::kDeleted) {
    known_.Delete(std::move(event.object), emit);
  } else if (event.object != nullptr) {
    known_.Set(std::move(event.object), emit);
  }
  if (!event.resource_version.empty()) version_ = std::move(event.resource_version);
}

void Reflector::Loop::Emit(Event event) {
  metrics_.SetObjects(static_cast<double>(known_.size()));
  handler_(std::move(event));
}

void Reflector::Loop::NoteProgress() {
  progress_ = true;
  answered_ = false;
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
    spdlog::warn("{}: {}", resource_.name, Describe(status, "list and watch", resource_.name));
  }
}

Reflector::Reflector(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
Reflector::~Reflector() = default;

absl::StatusOr<std::unique_ptr<Reflector>> Reflector::Start(
    const ClientConfig& client, Resource resource, ReflectorOptions options, const Clock& clock,
    std::unique_ptr<Pauser> pauser, ReflectorMetrics metrics, Handler handler) {
  LL_ASSIGN_OR_RETURN(std::unique_ptr<HttpSession> session, HttpSession::Open(client));
  return CatchStatus("watch " + resource.name, [&] {
    return std::unique_ptr<Reflector>(new Reflector(
        std::make_unique<Loop>(std::move(session), std::move(resource), options, clock,
                               std::move(pauser), std::move(metrics), std::move(handler))));
  });
}

}  // namespace leadline::kube
