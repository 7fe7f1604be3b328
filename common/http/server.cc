#include "common/http/server.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/address.h"
#include "common/catch_status.h"
#include "common/http/connection.h"
#include "common/http/leader_followers.h"
#include "common/mutex.h"
#include "common/status_macros.h"

namespace leadline::http {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

absl::Status ListenError(std::string_view address, const ErrorCode& error) {
  const std::string text = fmt::format("listen for HTTP on {}: {}", address, error.message());
  return error == asio::error::address_in_use ? absl::AlreadyExistsError(text)
                                              : absl::UnavailableError(text);
}

// A program that is executed from here would go on to listen, with nobody to answer.
void KeepFromChildren(int socket) { fcntl(socket, F_SETFD, FD_CLOEXEC); }

bool HasIntake(const Router& router) {
  return std::any_of(router.routes().begin(), router.routes().end(),
                     [](const Route& route) { return route.load == Load::kIntake; });
}

// Of each kind of handlers.
LeaderFollowers::ByLoad MostAtOnce(const ServerOptions& options, const Router& router) {
  LeaderFollowers::ByLoad most{};
  most[static_cast<size_t>(Load::kLight)] = 1;
  most[static_cast<size_t>(Load::kHeavy)] = static_cast<size_t>(options.heavy_threads);
  if (HasIntake(router)) {
    most[static_cast<size_t>(Load::kIntake)] = static_cast<size_t>(options.intake_threads);
  }
  return most;
}

size_t MostBodyBytes(const ServerOptions& options, const Router& router) {
  size_t most = options.max_body_bytes;
  for (const Route& route : router.routes()) most = std::max(most, route.max_body_bytes);
  return most;
}

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, Router router, Cors cors)
      : options_(std::move(options)),
        router_(std::move(router)),
        cors_(std::move(cors)),
        metrics_(options_.registry, options_.metrics_prefix),
        threads_(io_, MostAtOnce(options_, router_)),
        acceptor_(io_),
        retry_(io_),
        context_{options_, router_, cors_, metrics_, MostBodyBytes(options_, router_), threads_} {}

  absl::Status Listen() {
    if (options_.security.keys != nullptr) {
      LL_ASSIGN_OR_RETURN(tls_, TlsContexts::Make(options_.security.keys));
    }
    LL_ASSIGN_OR_RETURN(const HostPort where, ParseHostPort(options_.address));
    ErrorCode error;
    Tcp::resolver resolver(io_);
    const auto found = resolver.resolve(where.host.empty() ? "0.0.0.0" : where.host,
                                        std::to_string(where.port), error);
    if (error || found.empty()) return ListenError(options_.address, error);
    const Tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol(), error);
    if (!error) KeepFromChildren(acceptor_.native_handle());
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return ListenError(options_.address, error);
    const Tcp::endpoint bound = acceptor_.local_endpoint();
    port_ = bound.port();
    const std::string host = bound.address().to_string();
    address_ = bound.address().is_v6() ? fmt::format("[{}]:{}", host, port_)
                                       : fmt::format("{}:{}", host, port_);
    return absl::OkStatus();
  }

  void Run() {
    Accept();
    threads_.Start();
    MutexLock lock(stop_mutex_);
    runs_ = true;
  }

  void Stop(absl::Duration grace) {
    MutexLock stop_lock(stop_mutex_);
    if (!std::exchange(runs_, false)) return;
    asio::post(io_, [this] {
      ErrorCode ignored;
      acceptor_.close(ignored);
      retry_.cancel();
      for (const auto& weak : Connections()) {
        if (auto connection = weak.lock()) connection->Finish();
      }
    });
    if (!WaitForConnections(grace)) {
      asio::post(io_, [this] {
        for (const auto& weak : Connections()) {
          if (auto connection = weak.lock()) connection->Abort();
        }
      });
    }
    work_.reset();  // with the connections and all answers gone the threads run out of work
    threads_.Join();
  }

  const std::string& address() const { return address_; }
  uint16_t port() const { return port_; }

 private:
  void Accept() {
    acceptor_.async_accept([this](ErrorCode error, Tcp::socket socket) {
      if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
      if (error) return RetryAccept(error);
      Admit(std::move(socket));
      Accept();
    });
  }

  // Out of descriptors, for one: to go on at once would spin.
  void RetryAccept(ErrorCode error) {
    spdlog::warn("accept on {}: {}; trying again", address_, error.message());
    retry_.expires_after(std::chrono::milliseconds(100));
    retry_.async_wait([this](ErrorCode cancelled) {
      if (!cancelled) Accept();
    });
  }

  void Admit(Tcp::socket socket) {
    KeepFromChildren(socket.native_handle());
    ErrorCode ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    if (connections_.size() >= options_.max_connections && !EvictOne()) {
      metrics_.ConnectionRefused();
      if (!tls_) Refuse(std::move(socket));
      return;
    }
    const uint64_t id = ++last_id_;
    TlsContexts::Context tls = tls_ ? tls_->Current() : nullptr;
    connections_[id] = Serve(std::move(socket), context_, std::move(tls), [this, id] {
      // The last reference may be dropped within a loop over the connections.
      asio::post(io_, [this, id] { Forget(id); });
    });
    SetCount(connections_.size());
  }

  // Closes the connection that waits for its client for longest; false where none does.
  bool EvictOne() {
    uint64_t longest = 0;
    auto longest_since = std::chrono::steady_clock::time_point::max();
    for (const auto& [id, weak] : connections_) {
      const auto connection = weak.lock();
      if (connection == nullptr) continue;
      const auto since = connection->waits_since();
      if (!since.has_value() || *since >= longest_since) continue;
      longest = id;
      longest_since = *since;
    }
    const auto found = connections_.find(longest);
    if (found == connections_.end()) return false;
    if (const auto connection = found->second.lock()) connection->Abort();
    // Not only when it is gone: the next one to come would push out another for it.
    connections_.erase(longest);
    metrics_.ConnectionEvicted();
    return true;
  }

  void Forget(uint64_t id) {
    connections_.erase(id);
    SetCount(connections_.size());
  }

  std::vector<std::weak_ptr<Connection>> Connections() const {
    std::vector<std::weak_ptr<Connection>> all;
    for (const auto& [id, connection] : connections_) all.push_back(connection);
    return all;
  }

  void SetCount(size_t count) ABSL_LOCKS_EXCLUDED(count_mutex_) {
    metrics_.SetConnections(count);
    MutexLock lock(count_mutex_);
    count_ = count;
    count_changed_.NotifyAll();
  }

  bool WaitForConnections(absl::Duration at_most) ABSL_LOCKS_EXCLUDED(count_mutex_) {
    const auto begin = std::chrono::steady_clock::now();
    MutexLock lock(count_mutex_);
    while (count_ > 0) {
      const absl::Duration left =
          at_most - absl::FromChrono(std::chrono::steady_clock::now() - begin);
      if (left <= absl::ZeroDuration()) return false;
      count_changed_.WaitFor(count_mutex_, left);
    }
    return true;
  }

  const ServerOptions options_;
  const Router router_;
  const Cors cors_;
  ServerMetrics metrics_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  LeaderFollowers threads_;
  // Of whichever of them leads:
  Tcp::acceptor acceptor_;
  asio::steady_timer retry_;
  ConnectionContext context_;
  std::optional<TlsContexts> tls_;  // none: in clear
  absl::flat_hash_map<uint64_t, std::weak_ptr<Connection>> connections_;
  uint64_t last_id_ = 0;

  std::string address_;
  uint16_t port_ = 0;
  Mutex stop_mutex_;
  bool runs_ ABSL_GUARDED_BY(stop_mutex_) = false;
  Mutex count_mutex_;
  CondVar count_changed_;
  size_t count_ ABSL_GUARDED_BY(count_mutex_) = 0;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { Stop(absl::ZeroDuration()); }

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options, Router router) {
  LL_ASSIGN_OR_RETURN(Cors cors, Cors::Make(options.cors_origins));
  const std::string what = fmt::format("listen for HTTP on {}", options.address);
  return CatchStatus(what, [&]() -> absl::StatusOr<std::unique_ptr<Server>> {
    auto impl = std::make_unique<Impl>(std::move(options), std::move(router), std::move(cors));
    LL_RETURN_IF_ERROR(impl->Listen());
    impl->Run();
    return std::unique_ptr<Server>(new Server(std::move(impl)));
  });
}

const std::string& Server::address() const { return impl_->address(); }
uint16_t Server::port() const { return impl_->port(); }
void Server::Stop(absl::Duration grace) { impl_->Stop(grace); }

}  // namespace leadline::http
