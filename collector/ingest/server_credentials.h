// The ingest server's end of TLS.
//
// gRPC's own credentials take certificates once; its watcher of files, experimental in 1.51, drops
// what it had when a new pair does not match. These ask at every handshake, by the C interface that
// gRPC has for it (docs/adr/0061).
#pragma once

#include <memory>

#include <grpcpp/security/server_credentials.h>

#include "common/tls/server_security.h"

namespace leadline::collector::ingest {

// TLS 1.2 at least, with the certificate that `keys` has at the time; a client certificate is
// required where `keys` has authorities for it. To outlive the server.
std::shared_ptr<grpc::ServerCredentials> ReloadingServerCredentials(
    std::shared_ptr<tls::Reloading<tls::ServerKeys>> keys);

}  // namespace leadline::collector::ingest
