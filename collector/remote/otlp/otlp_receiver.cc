#include "collector/remote/otlp/otlp_receiver.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <google/protobuf/arena.h>
#include <google/protobuf/util/json_util.h>

#include "collector/remote/otlp/rpc_status.h"
#include "collector/remote/otlp/translate.h"
#include "collector/remote/write/limits.h"
#include "common/http/encoding.h"
#include "common/status_text.h"
#include "common/utf8.h"

namespace leadline::collector::remote::otlp {
namespace {

using pb::ExportMetricsServiceRequest;
using pb::ExportMetricsServiceResponse;
using write::Failure;

constexpr char kProtobufType[] = "application/x-protobuf";
constexpr char kJsonType[] = "application/json";

constexpr size_t kMaxMessageBytes = 16
                                    << 20;  // unpacked; in memory a message takes many times that

enum class Encoding : uint8_t { kProtobuf, kJson };

std::optional<Encoding> EncodingOf(const http::Request& http) {
  const std::string_view type = http::MediaType(http.GetHeader("Content-Type"));
  if (http::EqualsIgnoringCase(type, kProtobufType)) return Encoding::kProtobuf;
  if (http::EqualsIgnoringCase(type, kJsonType)) return Encoding::kJson;
  return std::nullopt;
}

http::Response ErrorResponse(Encoding encoding, int http_status, const absl::Status& error,
                             absl::Duration retry_after = absl::ZeroDuration()) {
  http::Response response{.status = http_status};
  if (encoding == Encoding::kJson) {
    response.content_type = kJsonType;
    response.body = boost::json::serialize(boost::json::object{
        {"code", static_cast<int>(error.code())}, {"message", ToValidUtf8(StatusMessage(error))}});
  } else {
    response.content_type = kProtobufType;
    response.body = RpcStatus(error, retry_after);
  }
  if (retry_after > absl::ZeroDuration()) {
    response.headers.emplace_back("Retry-After", write::RetryAfterSeconds(retry_after));
  }
  return response;
}

http::Response GoodResponse(Encoding encoding, const ExportMetricsServiceResponse& message) {
  http::Response response;
  if (encoding == Encoding::kProtobuf) {
    response.content_type = kProtobufType;
    message.SerializeToString(&response.body);
    return response;
  }
  response.content_type = kJsonType;
  // It has but a number and a text, which can always be written.
  (void)google::protobuf::util::MessageToJsonString(message, &response.body);
  return response;
}

// The body without its coding; INVALID_ARGUMENT for another coding than gzip.
absl::Status Unpack(const http::Request& http, std::string& unpacked, std::string_view& body) {
  const std::string_view coding = http.GetHeader("Content-Encoding");
  body = http.body;
  if (coding.empty() || http::EqualsIgnoringCase(coding, "identity")) return absl::OkStatus();
  if (!http::EqualsIgnoringCase(coding, "gzip")) {
    return absl::UnimplementedError(
        fmt::format("the encoding {} is not taken; gzip is", ToValidUtf8(coding.substr(0, 100))));
  }
  absl::Status status = http::Gunzip(http.body, kMaxMessageBytes, unpacked);
  body = unpacked;
  return status;
}

absl::Status Parse(Encoding encoding, std::string_view body, ExportMetricsServiceRequest& message) {
  if (encoding == Encoding::kProtobuf) {
    if (message.ParseFromArray(body.data(), static_cast<int>(body.size()))) return absl::OkStatus();
    return absl::InvalidArgumentError("the body is no ExportMetricsServiceRequest");
  }
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(body.data(), body.size()), &message, options);
  if (status.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("the body is no ExportMetricsServiceRequest in JSON: {}",
                  ToValidUtf8(std::string_view(status.message().data(), status.message().size()))));
}

int HttpStatusFor(const absl::Status& error, absl::Duration retry_after = absl::ZeroDuration()) {
  if (retry_after > absl::ZeroDuration()) return 429;
  if (absl::IsInvalidArgument(error)) return 400;
  if (absl::IsUnimplemented(error)) return 415;
  return 503;
}

// Points of which something was rejected.
uint64_t RejectedPoints(const Translated& translated) {
  std::vector<bool> rejected(translated.points);
  for (size_t i = 0; i < translated.request.series.size(); ++i) {
    const uint32_t point = translated.point_of_series[i];
    if (point != kNoPoint && translated.request.series[i].rejected) rejected[point] = true;
  }
  return static_cast<uint64_t>(std::count(rejected.begin(), rejected.end(), true));
}

}  // namespace

OtlpReceiver::OtlpReceiver(const write::IntakeOptions& options) : intake_(options, "otlp") {}

void OtlpReceiver::Take(const ExportMetricsServiceRequest& message, size_t body_bytes, Done done) {
  intake_.metrics().CountRequest(body_bytes, message.ByteSizeLong());
  Translated translated = Translate(message);
  write::Intake::Work work;
  absl::StatusOr<write::Intake::Prepared> prepared = intake_.Prepare(translated.request, work);
  if (!prepared.ok()) {
    intake_.metrics().CountFailure(Failure::kMalformed);
    return done({.status = prepared.status()});
  }
  const uint64_t rejected = translated.rejected + RejectedPoints(translated);
  // Of points that are not in the request.
  prepared->outcome.counts.exemplars.Drop(
      write::DroppedExemplar::kSeries, translated.exemplars - translated.request.exemplars.size());
  if (translated.rejected > 0) {
    prepared->outcome.rejections.Add(write::Reason::kUntranslatable, translated.rejected,
                                     translated.error);
  }
  intake_.Append(
      *std::move(prepared), [rejected, done = std::move(done)](const write::Outcome& outcome) {
        Answer answer{.status = outcome.status, .retry_after = outcome.retry_after};
        if (outcome.status.ok() && outcome.rejections.total() > 0) {
          const std::string text = ToValidUtf8(outcome.rejections.ToString());
          if (outcome.retry_after > absl::ZeroDuration()) {
            answer.status = absl::ResourceExhaustedError(text);
          } else {
            pb::ExportMetricsPartialSuccess& partial = *answer.response.mutable_partial_success();
            partial.set_rejected_data_points(static_cast<int64_t>(rejected));
            partial.set_error_message(text);
          }
        }
        done(answer);
      });
}

void OtlpReceiver::Write(const http::Request& http, http::Respond respond) {
  const std::optional<Encoding> encoding = EncodingOf(http);
  if (!encoding.has_value()) {
    intake_.metrics().CountFailure(Failure::kMediaType);
    return respond(
        ErrorResponse(Encoding::kProtobuf, 415,
                      absl::UnimplementedError(fmt::format("the content type is neither {} nor {}",
                                                           kProtobufType, kJsonType))));
  }
  std::string unpacked;
  std::string_view body;
  if (const absl::Status status = Unpack(http, unpacked, body); !status.ok()) {
    const bool too_large = absl::IsResourceExhausted(status);
    intake_.metrics().CountFailure(too_large                       ? Failure::kTooLarge
                                   : absl::IsUnimplemented(status) ? Failure::kMediaType
                                                                   : Failure::kMalformed);
    return respond(ErrorResponse(*encoding, too_large ? 413 : HttpStatusFor(status), status));
  }
  google::protobuf::Arena arena;
  auto* const message = google::protobuf::Arena::CreateMessage<ExportMetricsServiceRequest>(&arena);
  if (const absl::Status status = Parse(*encoding, body, *message); !status.ok()) {
    intake_.metrics().CountFailure(Failure::kMalformed);
    return respond(ErrorResponse(*encoding, 400, status));
  }
  Take(*message, http.body.size(),
       [encoding = *encoding, respond = std::move(respond)](const Answer& answer) {
         respond(answer.status.ok()
                     ? GoodResponse(encoding, answer.response)
                     : ErrorResponse(encoding, HttpStatusFor(answer.status, answer.retry_after),
                                     answer.status, answer.retry_after));
       });
}

void OtlpReceiver::AddRoutes(http::Router& router) {
  for (const char* path : {"/v1/metrics", "/api/v1/otlp/v1/metrics"}) {
    router.Add({.method = "POST",
                .pattern = path,
                .about = {.summary = "Takes OpenTelemetry's metrics by OTLP, in JSON too.",
                          .body = kProtobufType,
                          .answer = kProtobufType},
                .load = http::Load::kIntake,
                .deferred = [this](const http::Request& request,
                                   http::Respond respond) { Write(request, std::move(respond)); },
                .max_body_bytes = write::kMaxBodyBytes});
  }
}

}  // namespace leadline::collector::remote::otlp
