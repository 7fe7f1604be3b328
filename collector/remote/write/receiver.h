// Takes what Prometheus and others write: POST /api/v1/write, Prometheus' remote write 1.0 and 2.0.
//
// A request is answered 204 when it is durable; 400 where a part of it, or all, can never be taken,
// with the rest taken; 415 for what is not spoken here; 413 for what is too large; 503 where it may
// come again. The answer's text says what and why. A request of which the store takes nothing is
// not partly there. Exemplars are counted and not kept.
//
// Threading: any thread; a request takes one of the server's intake threads while it is read, and
// none while the log is written. Ownership: what the options name outlives it, and it the server
// whose routes it is in.
//
// In version 2.0 the answer has headers that tell what was written. A counter that says since when
// it counts begins with a sample of 0 there, when its series is first seen and that is less than
// kMaxCreatedBefore before its first sample; what it counted until then would be missing otherwise.
//
// Source: https://prometheus.io/docs/specs/prw/remote_write_spec/ and …/remote_write_spec_2_0/.
#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"

#include "collector/model/metric_metadata.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "common/http/router.h"
#include "prometheus/registry.h"

namespace leadline::collector::remote::write {

struct ReceiverOptions {
  store::Appendable* store = nullptr;  // required, as the next one
  prometheus::Registry* registry = nullptr;
  model::MetricMetadata* metadata = nullptr;  // where what metrics are goes; null: nowhere
  const Clock* clock = &SystemClock();
  std::string tenant = "default";
  absl::Duration max_age = absl::ZeroDuration();  // of samples; zero: any
};

class Receiver {
 public:
  explicit Receiver(const ReceiverOptions& options);
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
