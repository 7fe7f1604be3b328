// The collector's end of leadline.v1.Ingest: takes agents' batches into the store.
//
// Each stream is a session of one agent (proto/leadline/v1/ingest.proto, docs/format/wire.md). What
// it sends is checked, resolved to series of the store and appended in order; a batch is
// acknowledged when the store says that it is durable. A session has at most max_batches_in_flight
// batches and max_bytes_in_flight bytes in the store; past them it is not read, so the agent waits.
//
// Errors: as the Ingest service has them; each ends the session, is logged with the agent's
// identity and counted by reason. A failure of the store ends the session with the store's status.
// Threading: every method may be called from any thread. Ownership: the store must outlive the
// server; the registry and the clock must outlive the store, whose last answers they count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "collector/cluster/directory.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "common/tls/server_security.h"
#include "prometheus/registry.h"

namespace grpc {
class Service;
}

namespace leadline::collector::ingest {

struct IngestOptions {
  std::string address = "127.0.0.1:7071";  // host:port; port 0 for any that is free
  tls::ServerSecurity security;            // none: no encryption, and every agent is taken
  store::Appendable* store = nullptr;
  prometheus::Registry* registry = nullptr;
  const Clock* clock = nullptr;
  std::string version;
  std::string tenant = "default";

  // Whom agents of `cluster` may ask who has which address; nullptr: nobody.
  std::shared_ptr<cluster::Directory> directory;
  std::string cluster;

  size_t max_batch_bytes = 4 << 20;
  uint32_t max_batches_in_flight = 16;
  size_t max_bytes_in_flight = 16 << 20;
  // Per session.
  uint32_t max_entities = 1 << 18;
  uint32_t max_series = 1 << 21;
  int zstd_window_log = 16;  // see Limits
  absl::Duration max_ahead = absl::Minutes(10);
  // A connection on which nothing answers for this long is dead.
  absl::Duration keepalive = absl::Seconds(20);
  // A connection whose TLS handshake takes longer is closed.
  absl::Duration handshake_timeout = absl::Seconds(15);
  // Threads that decode and append; sessions share them.
  int workers = 4;
  // Of other protocols, on the same port; they outlive the server.
  std::vector<grpc::Service*> more_services;
};

class IngestServer {
 public:
  // UNAVAILABLE when the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<IngestServer>> Start(const IngestOptions& options);
  ~IngestServer();
  IngestServer(const IngestServer&) = delete;
  IngestServer& operator=(const IngestServer&) = delete;

  // The bound port.
  int port() const;

  // Ends every session with UNAVAILABLE after acknowledging what is durable, and waits, at most
  // `timeout`, for what the store still has of them.
  void Stop(absl::Duration timeout);

 private:
  class Impl;
  explicit IngestServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace leadline::collector::ingest
