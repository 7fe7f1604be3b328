// Questions of agents who has which address, and their answers, between the wire and the directory.
//
// Pure functions.
#pragma once

#include <vector>

#include "absl/types/span.h"

#include "collector/cluster/directory.h"
#include "collector/ingest/refusal.h"
#include "common/ip_endpoint.h"
#include "leadline/v1/ingest.pb.h"

namespace leadline::collector::ingest {

struct PeerQuestions {
  std::vector<IpEndpoint> asked;
  std::vector<IpEndpoint> forgotten;
};

// Refuses what is no address or no port.
MaybeRefusal ReadPeerQuestions(const v1::PeerQuestions& message, PeerQuestions* questions);

v1::CollectorMessage PeerAnswersMessage(absl::Span<const cluster::Answer> answers);

}  // namespace leadline::collector::ingest
