// One connection of the server. Internal to common/http.
//
// Lives on the server's input and output thread, and as long as it has something under way; only
// the handler runs elsewhere, and what it answers is sent from there as far as the socket takes it.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include <boost/asio/ip/tcp.hpp>

#include "common/http/cors.h"
#include "common/http/leader_followers.h"
#include "common/http/router.h"
#include "common/http/server.h"
#include "common/http/server_metrics.h"
#include "common/http/tls_context.h"

namespace leadline::http {

// What the connections of a server share; outlives them.
struct ConnectionContext {
  const ServerOptions& options;
  const Router& router;
  const Cors& cors;
  ServerMetrics& metrics;
  size_t most_body_bytes;  // that any route takes
  LeaderFollowers& threads;
};

class Connection {
 public:
  virtual ~Connection() = default;
  // Answers what is under way and then closes; at once where nothing is.
  virtual void Finish() = 0;
  // Closes at once.
  virtual void Abort() = 0;
  // Since when it waits for its client; nullopt while a request is under way.
  virtual std::optional<std::chrono::steady_clock::time_point> waits_since() const = 0;
};

// Serves requests until the connection closes, then calls `closed`; over TLS unless `tls` is
// nullptr.
std::shared_ptr<Connection> Serve(boost::asio::ip::tcp::socket socket, ConnectionContext& context,
                                  TlsContexts::Context tls, std::function<void()> closed);

// Answers 503 and closes.
void Refuse(boost::asio::ip::tcp::socket socket);

}  // namespace leadline::http
