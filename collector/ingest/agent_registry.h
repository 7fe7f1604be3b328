// Which session speaks for an agent: at most one, and no next one before the last is done with the
// store.
//
// A session claims its agent. It gets it at once when nobody has it; when the holder has ended, or
// must give way, it gets it as soon as the holder releases it, which is when the store has answered
// for all that the holder appended: only then is the last durable sequence known. A live holder
// gives way to a session from the same place with a higher epoch (the agent was started again) and
// to one with the same epoch and instance (the same process, whose old connection broke unseen).
// Any other is refused: two agents have one identity. A place that is not known is any place.
//
// Thread-safe. Claimants are called without the registry's lock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"

#include "collector/ingest/refusal.h"
#include "common/id128.h"
#include "common/mutex.h"

namespace leadline::collector::ingest {

struct AgentClaim {
  Id128 agent_id;
  uint64_t epoch = 0;
  uint64_t instance = 0;
  std::string peer;    // for messages
  uint64_t place = 0;  // of the state directory; 0: not known
};

class Claimant {
 public:
  virtual ~Claimant() = default;
  virtual void Granted() = 0;
  // It is to end, and to Release when it has.
  virtual void TakenOver(const AgentClaim& by) = 0;
};

class AgentRegistry {
 public:
  // Granted is called, perhaps before this returns, unless it refuses. Release must follow.
  MaybeRefusal Claim(std::shared_ptr<Claimant> claimant, const AgentClaim& claim);

  // The claimant's stream has ended; what it appended may not be durable yet. Others may claim
  // whatever their epoch.
  void Ended(const Id128& agent_id, const Claimant* claimant);

  // The claimant will not touch the store any more. A claimant that was not granted gives up its
  // place in the line.
  void Release(const Id128& agent_id, const Claimant* claimant);

 private:
  struct Place {
    std::shared_ptr<Claimant> claimant;
    AgentClaim claim;
    bool ended = false;
  };
  struct Agent {
    Place holder;
    std::optional<Place> next;
  };

  Mutex mutex_;
  absl::flat_hash_map<Id128, Agent> agents_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leadline::collector::ingest
