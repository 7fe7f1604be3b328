// How the agent proves itself to the collector, and the collector to the agent.
//
// The files are read for every session, so what replaces them counts from the next one.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "common/tls/client_files.h"

namespace grpc {
class ChannelCredentials;
}

namespace leadline::agent {

struct ChannelSecrets {
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  std::string token;  // "": none
};

// UNAUTHENTICATED or INVALID_ARGUMENT names the file and what is wrong with it.
absl::StatusOr<ChannelSecrets> ReadSecrets(const tls::ClientFiles& files);

}  // namespace leadline::agent
