// What every Kubernetes object has, as far as we need it.
//
// Immutable once it is shared. Times are milliseconds since the Unix epoch, 0 where there is none.
// Source: Kubernetes API conventions, "Metadata".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/labels.h"

namespace leadline::kube {

struct OwnerReference {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid;
  bool controller = false;

  bool operator==(const OwnerReference&) const = default;
};

struct ObjectMeta {
  std::string uid;
  std::string name;
  std::string namespace_name;    // "" for what is in no namespace
  std::string resource_version;  // opaque, though a number in practice
  std::vector<Label> labels;     // sorted by key
  std::vector<OwnerReference> owners;
  int64_t creation_unix_ms = 0;
  int64_t deletion_unix_ms = 0;

  // The owner that manages the object, of which there is at most one; nullptr where there is none.
  const OwnerReference* Controller() const;
};

// What the reflector delivers; the resource's decoder decides which type derives from it.
struct Object {
  ObjectMeta meta;

  virtual ~Object() = default;
};

}  // namespace leadline::kube
