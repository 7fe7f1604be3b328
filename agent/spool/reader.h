// Reads batches back in order, with the definitions that a session needs before each.
//
// Within a segment the definitions of all records up to the batch are told, each once; a segment
// begins with everything that is in force. Not synchronized: one reader a session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "agent/spool/segment.h"

namespace leadline::agent::spool {

// By segment: where its records with definitions begin.
using DefinitionIndex = std::map<uint64_t, std::vector<uint64_t>>;

class Reader {
 public:
  // Without an index batches come without definitions: their writer's process lives and knows them.
  Reader(std::string dir, std::shared_ptr<const DefinitionIndex> index)
      : dir_(std::move(dir)), index_(std::move(index)) {}

  struct Batch {
    std::vector<std::string> definitions;  // the definitions parts of records
    std::string wire;
  };
  absl::StatusOr<Batch> Read(const Location& location);

 private:
  const std::string dir_;
  const std::shared_ptr<const DefinitionIndex> index_;
  uint64_t segment_ = 0;  // none has this number
  size_t told_ = 0;       // of the segment's definitions
};

}  // namespace leadline::agent::spool
