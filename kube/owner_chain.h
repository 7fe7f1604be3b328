// The owners of an object, up to the topmost controller.
//
// Plain values. Only owner references with `controller: true` count, of which an object has at most
// one. Source: Kubernetes documentation, "Owners and Dependents".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace leadline::kube {

struct Owner {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid;

  bool operator==(const Owner&) const = default;
};

// Why a chain ends where it does.
enum class ChainEnd : uint8_t {
  kTop,          // the last owner is owned by nobody
  kForbidden,    // we may not read the last owner
  kNotFound,     // the last owner is gone, or another object has its name by now
  kUnknownKind,  // the server does not serve the last owner's kind
  kTooLong,      // kMaxOwners reached
  kFailed,       // the server did not answer in spite of retries
};

inline constexpr int kMaxOwners = 8;

struct OwnerChain {
  std::vector<Owner> owners;  // the direct one first
  ChainEnd end = ChainEnd::kTop;

  bool operator==(const OwnerChain&) const = default;
};

}  // namespace leadline::kube
