#include "collector/remote/write/receiver.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "collector/remote/wire/snappy.h"
#include "collector/remote/write/limits.h"
#include "collector/remote/write/media_type.h"
#include "collector/remote/write/parse_v1.h"
#include "collector/remote/write/parse_v2.h"
#include "common/mutex.h"
#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::collector::remote::write {
namespace {

// What a request needs while it is read, kept for the next one.
struct Scratch {
  wire::Buffer message;
  Request request;
  Intake::Work work;
};

class ScratchPool {
 public:
  std::unique_ptr<Scratch> Take() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    if (free_.empty()) return std::make_unique<Scratch>();
    auto scratch = std::move(free_.back());
    free_.pop_back();
    return scratch;
  }

  void Give(std::unique_ptr<Scratch> scratch) ABSL_LOCKS_EXCLUDED(mutex_) {
    if (scratch->message.capacity() > kMaxKeptBytes) return;
    scratch->request.Clear();
    MutexLock lock(mutex_);
    free_.push_back(std::move(scratch));
  }

 private:
  static constexpr size_t kMaxKeptBytes = 4 << 20;

  Mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> free_ ABSL_GUARDED_BY(mutex_);
};

// In version 2 the answer says what was written: `counts`.
http::Response Answer(Version version, int status, std::string_view text,
                      const BatchCounts& counts) {
  http::Response response{.status = status, .body = std::string(text)};
  if (!text.empty()) response.body += '\n';
  if (version == Version::k1) return response;
  const auto add = [&](std::string_view what, uint64_t count) {
    response.headers.emplace_back(fmt::format("X-Prometheus-Remote-Write-{}-Written", what),
                                  fmt::format("{}", count));
  };
  add("Samples", counts.samples);
  add("Histograms", counts.histograms);
  add("Exemplars", counts.exemplars.kept);
  return response;
}

http::Response AnswerFor(Version version, const Outcome& outcome) {
  const absl::Status& status = outcome.status;
  const bool over_rate = outcome.retry_after > absl::ZeroDuration();
  http::Response response;
  if (!status.ok()) {
    const int code = over_rate ? 429 : absl::IsInvalidArgument(status) ? 400 : 503;
    response = Answer(version, code, StatusMessage(status), {});
  } else if (outcome.rejections.total() == 0) {
    response = Answer(version, 204, "", outcome.counts);
  } else {
    response =
        Answer(version, over_rate ? 429 : 400, outcome.rejections.ToString(), outcome.counts);
  }
  if (over_rate)
    response.headers.emplace_back("Retry-After", RetryAfterSeconds(outcome.retry_after));
  return response;
}

}  // namespace

class Receiver::Impl {
 public:
  explicit Impl(const IntakeOptions& options) : intake_(options, "remote_write") {}

  void Write(const http::Request& http, http::Respond respond) {
    const absl::StatusOr<Version> version = VersionOf(http);
    if (!version.ok()) {
      intake_.metrics().CountFailure(Failure::kMediaType);
      return respond(Answer(Version::k1, 415, StatusMessage(version.status()), {}));
    }
    std::unique_ptr<Scratch> scratch = pool_.Take();
    absl::StatusOr<Intake::Prepared> prepared = Read(http, *version, *scratch);
    pool_.Give(std::move(scratch));
    if (!prepared.ok()) {
      const bool too_large = absl::IsResourceExhausted(prepared.status());
      intake_.metrics().CountFailure(too_large ? Failure::kTooLarge : Failure::kMalformed);
      return respond(Answer(*version, too_large ? 413 : 400, StatusMessage(prepared.status()), {}));
    }
    intake_.Append(*std::move(prepared),
                   [version = *version, respond = std::move(respond)](const Outcome& outcome) {
                     respond(AnswerFor(version, outcome));
                   });
  }

 private:
  absl::StatusOr<Intake::Prepared> Read(const http::Request& http, Version version,
                                        Scratch& scratch) {
    LL_RETURN_IF_ERROR(wire::UncompressSnappy(http.body, kMaxRequestBytes, scratch.message));
    const std::string_view message = scratch.message.view();
    intake_.metrics().CountRequest(http.body.size(), message.size());
    LL_RETURN_IF_ERROR(version == Version::k1 ? ParseV1(message, scratch.request)
                                              : ParseV2(message, scratch.request));
    return intake_.Prepare(scratch.request, scratch.work);
  }

  Intake intake_;
  ScratchPool pool_;
};

Receiver::Receiver(const IntakeOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Receiver::~Receiver() = default;

void Receiver::Write(const http::Request& request, http::Respond respond) {
  impl_->Write(request, std::move(respond));
}

void Receiver::AddRoutes(http::Router& router) {
  router.Add({.method = "POST",
              .pattern = "/api/v1/write",
              .about = {.summary = "Takes samples by Prometheus' remote write.",
                        .body = "application/x-protobuf",
                        .status = 204},
              .load = http::Load::kIntake,
              .deferred = [this](const http::Request& request,
                                 http::Respond respond) { Write(request, std::move(respond)); },
              .max_body_bytes = kMaxBodyBytes});
}

}  // namespace leadline::collector::remote::write
