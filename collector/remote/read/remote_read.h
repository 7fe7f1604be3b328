// POST /api/v1/read: Prometheus' remote read, for Prometheus and Thanos that ask Leadline for
// series.
//
// Answers as samples or as streamed XOR chunks, what the client likes better of the two; native
// histograms as samples only: where the client takes those too they go so, and otherwise it is
// refused. A series has the labels that PromQL sees; a matcher that names a Kubernetes label makes
// that visible. Staleness markers are among the samples.
//
// Errors: 400 for what is no request or asks for what the store cannot do, 422 above the limit of
// samples or of memory, 503 where the time is up or too many ask. Threading: any thread. Ownership:
// the queryable and the registry outlive it, and it the server whose route it is.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "collector/store/store.h"
#include "common/http/router.h"
#include "prometheus/registry.h"

namespace leadline::collector::remote::read {

// Calls `read` when the request's turn comes, with what it may take, and gives its error or one
// that says why it did not come. `cancelled` is set once nobody waits; nullptr: nobody tells.
using Govern = std::function<absl::Status(
    std::string_view tenant, const std::atomic<bool>* cancelled,
    absl::FunctionRef<absl::Status(const store::CallLimits& limits)> read)>;

struct ReadOptions {
  const store::Queryable* queryable = nullptr;  // required, as the next one
  prometheus::Registry* registry = nullptr;
  std::string tenant = "default";
  uint64_t max_samples = 20'000'000;  // of a request
  Govern govern;                      // nullptr: at once, and two minutes of time
  // Counts what an answer takes until what it gives goes; nullptr: nobody counts.
  std::function<absl::StatusOr<std::shared_ptr<const void>>(uint64_t bytes)> hold;
};

class RemoteRead {
 public:
  explicit RemoteRead(const ReadOptions& options);
  ~RemoteRead();
  RemoteRead(const RemoteRead&) = delete;
  RemoteRead& operator=(const RemoteRead&) = delete;

  void AddRoutes(http::Router& router) const;
  http::Response Read(const http::Request& request) const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace leadline::collector::remote::read
