// Who this agent is to the collector, across its restarts: an id and an epoch on disk.
//
// The id is made at the first start and kept; the epoch grows by one with every start and is on
// disk before Open returns, so that (id, epoch, sequence) never names two batches. The file is
// described in docs/format/agent-identity.md.
//
// Errors: PERMISSION_DENIED and the like when the directory cannot be written, FAILED_PRECONDITION
// when another agent uses it, DATA_LOSS when the file is not what we wrote; the text names the
// path. Threading: any. The directory is locked while the object lives.
//
// Where there is no directory to be had, an agent may be a new one for this once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

#include "common/fd.h"
#include "common/id128.h"

namespace leadline::agent {

class Identity {
 public:
  // Makes the directory where there is none.
  static absl::StatusOr<std::unique_ptr<Identity>> Open(const std::string& state_dir);
  // Of nobody before and after; without a directory and a lock.
  static absl::StatusOr<std::unique_ptr<Identity>> ForOnce();
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  const Id128& agent_id() const { return agent_id_; }
  uint64_t epoch() const { return epoch_; }
  // Of the directory on this boot: the same when it is opened again, another one for a copy of it,
  // wherever that is. 0 where it is not known.
  uint64_t place() const { return place_; }

 private:
  Identity(Fd lock, const Id128& agent_id, uint64_t epoch, uint64_t place)
      : lock_(std::move(lock)), agent_id_(agent_id), epoch_(epoch), place_(place) {}

  const Fd lock_;
  const Id128 agent_id_;
  const uint64_t epoch_;
  const uint64_t place_;
};

}  // namespace leadline::agent
