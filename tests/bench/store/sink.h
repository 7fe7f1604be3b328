// Where the generated samples go: to one server, by one protocol. One object a connection.
//
// Not synchronized: one thread uses it.
#pragma once

#include <cstdint>

#include "absl/status/status.h"

#include "workload.h"

namespace leadline::bench {

struct Sent {
  uint64_t samples = 0;     // staleness markers too; a native histogram is one
  uint64_t histograms = 0;  // of those
  uint64_t new_series = 0;
  uint64_t bytes = 0;  // as they were sent
};

class Sink {
 public:
  virtual ~Sink() = default;

  // Takes the node's last scrape into its next request.
  virtual void Add(const Node& node) = 0;
  // Sends what was added of the node as one request and waits until the server has acknowledged it.
  virtual absl::Status Send(const Node& node) = 0;
  const Sent& sent() const { return sent_; }

 protected:
  Sent sent_;
};

}  // namespace leadline::bench
