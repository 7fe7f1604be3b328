// Who we are, where that has to be found out first and changes with time.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace leadline::kube {

struct Credential {
  std::string token;            // bearer token; "" for none
  std::string certificate_pem;  // both or none
  std::string key_pem;
  uint64_t serial = 0;  // tells this one from its successors
};

// Shared by the sessions of a client. Thread-safe.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;

  // May wait. UNAUTHENTICATED when there is none to be had, and why; CANCELLED once `stop_fd` is
  // readable.
  virtual absl::StatusOr<Credential> Get(int stop_fd) = 0;
  // The server refused this one (401): the next Get finds a new one.
  virtual void Refused(uint64_t serial) = 0;
};

}  // namespace leadline::kube
