// A small HTTP/1.1 server: a table of routes, keep-alive, compressed answers, cross-origin
// requests, TLS, tokens, limits and a graceful stop.
//
// One thread at a time does all input and output; which, changes with each request, so that it is
// handled by who read it (leader_followers.h). Of light handlers one runs at a time, of heavy ones
// `heavy_threads`, of those of routes that take data in `intake_threads`; a
// connection has one request under way at a time. A handler's request is answered even where the
// server is asked to stop meanwhile; a stop waits for the answers of deferred ones too.
// Request::cancelled tells heavy handlers that their client has closed its side of the connection,
// and all handlers that a stop's grace is over.
//
// Bounds: see ServerOptions; above them a request is answered 431 or 413. A connection above them
// takes the place of the one that has kept the server waiting for longest, idle or with a part of a
// request; where all are being answered it gets 503. Both are counted. Errors: Start says which
// address it could not listen on and why, which option is wrong, or that threads or descriptors
// have run out. Threading: every method may be called from any thread but a handler's. Source: RFC
// 9110 and 9112; Boost.Beast does the parsing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/http/router.h"
#include "common/tls/server_security.h"

namespace prometheus {
class Registry;
}

namespace leadline::http {

struct ServerOptions {
  std::string address = "127.0.0.1:0";  // host:port, [v6]:port; port 0 takes a free one

  size_t max_header_bytes = 32 * 1024;
  size_t max_body_bytes = 4 * 1024 * 1024;
  size_t max_connections = 512;
  int heavy_threads = 4;
  int intake_threads = 2;

  absl::Duration idle_timeout = absl::Seconds(60);   // between requests of a connection
  absl::Duration read_timeout = absl::Seconds(15);   // from a request's first byte to its last
  absl::Duration write_timeout = absl::Seconds(60);  // for a response

  // How often it is looked whether the client of a heavy request is still there.
  absl::Duration watch_interval = absl::Milliseconds(500);

  absl::Duration handshake_timeout = absl::Seconds(10);  // of TLS, from the connection on

  // Encryption, and what clients must bring but on open routes (router.h); none: nothing.
  tls::ServerSecurity security = {};

  // Web pages of which origins may read the answers, see cors.h; "" for none.
  std::string cors_origins = {};

  // Where the server's own metrics go, under <metrics_prefix>_http_…; nullptr for none.
  std::shared_ptr<prometheus::Registry> registry = {};
  std::string metrics_prefix = "leadline";
};

class Server {
 public:
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options, Router router);
  ~Server();  // stops with no grace

  // Where it listens, with the port that was taken: "127.0.0.1:41234".
  const std::string& address() const;
  uint16_t port() const;

  // Takes no more connections, closes idle ones, and waits for the requests under way; after
  // `grace` their connections are closed and the requests cancelled. Handlers are always waited
  // for.
  void Stop(absl::Duration grace);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace leadline::http
