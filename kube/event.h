// What changed among the objects of a kind.
//
// Plain values; objects are immutable and shared.
#pragma once

#include <cstdint>
#include <memory>

#include "kube/object.h"

namespace leadline::kube {

enum class EventType : uint8_t {
  kAdded,
  kModified,
  kDeleted,  // with the object's last known state
  kSynced,   // without object: everything that a list had was delivered
};

struct Event {
  EventType type;
  std::shared_ptr<const Object> object;
};

}  // namespace leadline::kube
