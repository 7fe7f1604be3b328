// Takes what Prometheus and others write: POST /api/v1/write, Prometheus' remote write 1.0 and 2.0.
//
// A request is answered 204 when it is durable; 400 where a part of it, or all, can never be taken,
// with the rest taken; 429 with Retry-After where something is over a rate and may come again; 415
// for what is not spoken here; 413 for what is too large; 503 where it may come again. The answer's
// text says what and why, and in version 2.0 its headers what was written.
// A request of which the store takes nothing is not partly there. Exemplars that cannot be kept are
// counted and no error (exemplars.h).
//
// Threading: any thread; a request takes one of the server's intake threads while it is read, and
// none while the log is written. Ownership: what the options name outlives it, and it the server
// whose routes it is in.
//
// Source: https://prometheus.io/docs/specs/prw/remote_write_spec/ and …/remote_write_spec_2_0/.
#pragma once

#include <memory>

#include "collector/remote/write/intake.h"
#include "common/http/router.h"

namespace leadline::collector::remote::write {

class Receiver {
 public:
  explicit Receiver(const IntakeOptions& options);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  void AddRoutes(http::Router& router);

  void Write(const http::Request& request, http::Respond respond);

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace leadline::collector::remote::write
