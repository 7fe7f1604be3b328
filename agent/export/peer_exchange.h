// Questions for the collector who peers are, and its answers, on their way between the agent's main
// loop and the session.
//
// A session begins knowing nothing: all that is of interest is asked for anew. Bounds: an answer
// for each address that is asked for. Not thread-safe.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"

#include "agent/model/peer_question.h"
#include "common/ip_endpoint.h"
#include "leadline/v1/ingest.pb.h"

namespace leadline::agent {

class PeerExchange {
 public:
  // --- of the main loop ---
  void Ask(const PeerQuestions& questions);
  // At most `max`, each of another address.
  std::vector<PeerAnswer> TakeAnswers(size_t max);

  // --- of the session ---
  // `answered`: the collector answers.
  void BeginSession(bool answered);
  bool has_questions() const { return answered_ && !(untold_.empty() && forgotten_.empty()); }
  // As many as a message may have.
  void TakeQuestions(v1::PeerQuestions* message);
  // INVALID_ARGUMENT names what is wrong.
  absl::Status OnAnswers(const v1::PeerAnswers& message);

 private:
  bool answered_ = false;
  absl::flat_hash_set<IpEndpoint> asked_;
  // What the session has not told; what was forgotten before it was told is not asked for.
  std::vector<IpEndpoint> untold_;
  std::vector<IpEndpoint> forgotten_;
  absl::flat_hash_map<IpEndpoint, PeerAnswer> answers_;  // not taken yet
};

}  // namespace leadline::agent
