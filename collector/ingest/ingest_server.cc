#include "collector/ingest/ingest_server.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include "collector/ingest/server_credentials.h"
#include "collector/ingest/session.h"
#include "common/worker_pool.h"
#include "leadline/v1/ingest.grpc.pb.h"

namespace leadline::collector::ingest {
namespace {

// Messages come as bytes: a worker decodes them, on an arena, and says what is wrong with them.
using Service = v1::Ingest::WithRawCallbackMethod_Stream<v1::Ingest::Service>;

std::optional<tls::TokenHash> TokenOf(const grpc::CallbackServerContext& call) {
  const auto header = call.client_metadata().find("authorization");
  if (header == call.client_metadata().end()) return std::nullopt;
  const auto token = tls::BearerToken({header->second.data(), header->second.size()});
  if (!token.has_value()) return std::nullopt;
  return tls::HashOf(*token);
}

class IngestService final : public Service {
 public:
  explicit IngestService(std::shared_ptr<IngestContext> context) : context_(std::move(context)) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Stream(
      grpc::CallbackServerContext* call) override {
    const std::shared_ptr<Session> session = Session::Start(context_, call->peer(), TokenOf(*call));
    bool stopping = false;
    {
      MutexLock lock(mutex_);
      std::erase_if(sessions_, [](const auto& weak) { return weak.expired(); });
      sessions_.push_back(session);
      stopping = stopping_;
    }
    if (stopping) session->Close(Stopping());
    return session.get();
  }

  void Stop() {
    std::vector<std::shared_ptr<Session>> live;
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      for (const auto& weak : sessions_) {
        if (auto session = weak.lock()) live.push_back(std::move(session));
      }
    }
    for (const auto& session : live) session->Close(Stopping());
  }

 private:
  static absl::Status Stopping() { return absl::UnavailableError("the collector is stopping"); }

  const std::shared_ptr<IngestContext> context_;
  Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::weak_ptr<Session>> sessions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

class IngestServer::Impl {
 public:
  Impl(const IngestOptions& options, const Limits& limits)
      : workers_(options.workers),
        context_(std::make_shared<IngestContext>(limits, *options.registry)),
        service_(context_) {
    context_->store = options.store;
    context_->clock = options.clock;
    context_->tenant = options.tenant;
    context_->version = options.version;
    context_->workers = &workers_;
    context_->tokens = options.security.tokens;
    context_->directory = options.directory;
    context_->cluster = options.cluster;
  }

  ~Impl() { Stop(absl::ZeroDuration()); }

  absl::Status Start(const IngestOptions& options);
  int port() const { return port_; }
  void Stop(absl::Duration timeout);

 private:
  WorkerPool workers_;
  const std::shared_ptr<IngestContext> context_;
  IngestService service_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;  // outlive the server
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

absl::Status IngestServer::Impl::Start(const IngestOptions& options) {
  const int keepalive_ms = static_cast<int>(absl::ToInt64Milliseconds(options.keepalive));
  grpc::ServerBuilder builder;
  if (options.security.keys != nullptr) {
    credentials_ = ReloadingServerCredentials(options.security.keys);
  } else {
    credentials_ = grpc::InsecureServerCredentials();
  }
  builder.AddListeningPort(options.address, credentials_, &port_);
  builder.AddChannelArgument(
      GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
      static_cast<int>(absl::ToInt64Milliseconds(options.handshake_timeout)));
  builder.RegisterService(&service_);
  for (grpc::Service* service : options.more_services) builder.RegisterService(service);
  // What is over our limit is read all the same, up to twice as much, to be refused with a reason.
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_batch_bytes * 2));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive_ms);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive_ms / 2);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             keepalive_ms / 4);
  // A port that another collector has is an error.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) {
    return absl::UnavailableError(fmt::format(
        "ingest: cannot listen on {}: is the address this machine's and free?", options.address));
  }
  spdlog::info("ingest listens on {}, port {}", options.address, port_);
  return absl::OkStatus();
}

void IngestServer::Impl::Stop(absl::Duration timeout) {
  if (server_ == nullptr) return;
  service_.Stop();
  server_->Shutdown(std::chrono::system_clock::now() + absl::ToChronoNanoseconds(timeout));
  server_->Wait();
  server_.reset();
}

absl::StatusOr<std::unique_ptr<IngestServer>> IngestServer::Start(const IngestOptions& options) {
  if (options.store == nullptr || options.registry == nullptr || options.clock == nullptr) {
    return absl::InvalidArgumentError("ingest: a store, a registry and a clock are needed");
  }
  constexpr size_t kLeastBatchBytes = 1 << 20;  // what agents may count on
  if (options.max_batch_bytes < kLeastBatchBytes || options.max_batches_in_flight == 0 ||
      options.workers < 1) {
    return absl::InvalidArgumentError(fmt::format(
        "ingest: max_batch_bytes {} (at least {}), max_batches_in_flight {}, workers {} (at least "
        "1)",
        options.max_batch_bytes, kLeastBatchBytes, options.max_batches_in_flight, options.workers));
  }
  const Limits limits{.max_message_bytes = options.max_batch_bytes,
                      .max_batches_in_flight = options.max_batches_in_flight,
                      .max_bytes_in_flight = options.max_bytes_in_flight,
                      .max_entities = options.max_entities,
                      .max_series = options.max_series,
                      .zstd_window_log = options.zstd_window_log,
                      .max_ahead = options.max_ahead};
  auto impl = std::make_unique<Impl>(options, limits);
  if (absl::Status status = impl->Start(options); !status.ok()) return status;
  return std::unique_ptr<IngestServer>(new IngestServer(std::move(impl)));
}

IngestServer::IngestServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

IngestServer::~IngestServer() = default;

int IngestServer::port() const { return impl_->port(); }

void IngestServer::Stop(absl::Duration timeout) { impl_->Stop(timeout); }

}  // namespace leadline::collector::ingest
