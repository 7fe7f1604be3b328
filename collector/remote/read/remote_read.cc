#include "collector/remote/read/remote_read.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "collector/remote/read/read_request.h"
#include "collector/remote/read/read_response.h"
#include "collector/remote/wire/snappy.h"
#include "common/clock.h"
#include "common/status_macros.h"
#include "common/status_text.h"
#include "prometheus/counter.h"

namespace leadline::collector::remote::read {
namespace {

constexpr char kSamplesType[] = "application/x-protobuf";
constexpr char kStreamedType[] =
    "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";

// Kubernetes labels are visible where they are named.
constexpr std::string_view kKubernetesPrefix = "label_";

int HttpStatusOf(const absl::Status& error) {
  switch (error.code()) {
    case absl::StatusCode::kInvalidArgument:
      return 400;
    case absl::StatusCode::kResourceExhausted:
      return 422;
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

using Blocks = std::vector<store::SeriesBlock>;

bool HasHistograms(const std::vector<Blocks>& results) {
  return std::any_of(results.begin(), results.end(), [](const Blocks& blocks) {
    return std::any_of(blocks.begin(), blocks.end(), [](const store::SeriesBlock& block) {
      return !block.histogram_ts_ms.empty();
    });
  });
}

ReadOptions WithGovern(ReadOptions options) {
  if (options.govern != nullptr) return options;
  options.govern = [](std::string_view, const std::atomic<bool>* cancelled, auto read) {
    constexpr absl::Duration kTimeout = absl::Minutes(2);
    return read({.deadline = SteadyNow() + kTimeout, .cancelled = cancelled});
  };
  return options;
}

prometheus::Counter& AddReadCounter(prometheus::Registry& registry, const char* name,
                                    const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

class RemoteRead::Impl {
 public:
  explicit Impl(const ReadOptions& options)
      : options_(WithGovern(options)),
        requests_(AddReadCounter(*options.registry, "leadline_collector_remote_read_requests_total",
                                 "Read requests.")),
        failures_(AddReadCounter(*options.registry,
                                 "leadline_collector_remote_read_failed_requests_total",
                                 "Read requests that were answered with an error.")),
        samples_(AddReadCounter(*options.registry, "leadline_collector_remote_read_samples_total",
                                "Samples in answers to read requests.")) {}

  http::Response Read(const http::Request& http) {
    requests_.Increment();
    absl::StatusOr<http::Response> response = Answer(http);
    if (response.ok()) return *std::move(response);
    failures_.Increment();
    return {.status = HttpStatusOf(response.status()),
            .body = std::string(StatusMessage(response.status())) + "\n"};
  }

 private:
  absl::StatusOr<http::Response> Answer(const http::Request& http) {
    wire::Buffer message;
    if (const absl::Status unpacked = wire::UncompressSnappy(http.body, kMaxRequestBytes, message);
        !unpacked.ok()) {
      return absl::InvalidArgumentError(std::string(StatusMessage(unpacked)));
    }
    LL_ASSIGN_OR_RETURN(const ReadRequest request, ParseReadRequest(message.view()));
    http::Response response;
    LL_RETURN_IF_ERROR(options_.govern(options_.tenant, http.cancelled.get(),
                                       [&](const store::CallLimits& limits) -> absl::Status {
                                         LL_ASSIGN_OR_RETURN(const std::vector<Blocks> results,
                                                             Ask(request, limits));
                                         LL_ASSIGN_OR_RETURN(response, Encode(request, results));
                                         return KeepCounted(response);
                                       }));
    return response;
  }

  // Until it is sent.
  absl::Status KeepCounted(http::Response& response) const {
    if (options_.hold == nullptr) return absl::OkStatus();
    LL_ASSIGN_OR_RETURN(response.keeps, options_.hold(response.body.size()));
    return absl::OkStatus();
  }

  static absl::StatusOr<http::Response> Encode(const ReadRequest& request,
                                               const std::vector<Blocks>& results) {
    LL_ASSIGN_OR_RETURN(const ResponseType type, TypeFor(request, results));
    http::Response response;
    if (type == ResponseType::kStreamedXorChunks) {
      response.content_type = kStreamedType;
      for (size_t i = 0; i < results.size(); ++i) AppendFrames(i, results[i], response.body);
      return response;
    }
    std::string plain;
    for (const Blocks& blocks : results) AppendResult(blocks, plain);
    wire::CompressSnappy(plain, response.body);
    response.content_type = kSamplesType;
    response.headers.emplace_back("Content-Encoding", "snappy");
    return response;
  }

  absl::StatusOr<std::vector<Blocks>> Ask(const ReadRequest& request,
                                          const store::CallLimits& limits) {
    std::vector<Blocks> results;
    store::SelectHints hints;
    hints.cancelled = limits.cancelled;
    hints.deadline = limits.deadline;
    hints.memory = limits.memory;
    hints.max_samples = options_.max_samples;
    for (const Query& query : request.queries) {
      hints.start_ms = query.start_ms;
      hints.end_ms = query.end_ms;
      hints.function = query.function;
      hints.named_labels.clear();
      for (const store::Matcher& matcher : query.matchers) {
        if (matcher.name.starts_with(kKubernetesPrefix)) hints.named_labels.push_back(matcher.name);
      }
      absl::StatusOr<Blocks> selected =
          options_.queryable->Select(options_.tenant, query.matchers, hints);
      if (absl::IsResourceExhausted(selected.status())) {
        return absl::ResourceExhaustedError(
            fmt::format("a read request may ask for {} samples, and take a query's memory: {}",
                        options_.max_samples, StatusMessage(selected.status())));
      }
      LL_ASSIGN_OR_RETURN(Blocks blocks, std::move(selected));
      std::sort(blocks.begin(), blocks.end(),
                [](const auto& a, const auto& b) { return *a.labels < *b.labels; });
      uint64_t samples = 0;
      for (const store::SeriesBlock& block : blocks) {
        samples += block.ts_ms.size() + block.histogram_ts_ms.size();
      }
      samples_.Increment(static_cast<double>(samples));
      hints.max_samples -= std::min(samples, hints.max_samples);
      results.push_back(std::move(blocks));
    }
    return results;
  }

  static absl::StatusOr<ResponseType> TypeFor(const ReadRequest& request,
                                              const std::vector<Blocks>& results) {
    const ResponseType liked = request.accepted.front();
    if (liked == ResponseType::kSamples || !HasHistograms(results)) return liked;
    if (request.accepted.size() > 1) return ResponseType::kSamples;
    return absl::InvalidArgumentError(
        "native histograms are answered as samples, which the client does not accept");
  }

  const ReadOptions options_;
  prometheus::Counter& requests_;
  prometheus::Counter& failures_;
  prometheus::Counter& samples_;
};

RemoteRead::RemoteRead(const ReadOptions& options) : impl_(std::make_unique<Impl>(options)) {}
RemoteRead::~RemoteRead() = default;

http::Response RemoteRead::Read(const http::Request& request) const { return impl_->Read(request); }

void RemoteRead::AddRoutes(http::Router& router) const {
  router.Add({.method = "POST",
              .pattern = "/api/v1/read",
              .about = {.summary = "Gives series by Prometheus' remote read.",
                        .body = "application/x-protobuf",
                        .answer = "application/x-protobuf"},
              .handler = [this](const http::Request& request) { return Read(request); },
              .load = http::Load::kHeavy,
              .max_body_bytes = kMaxBodyBytes});
}

}  // namespace leadline::collector::remote::read
