// POST /api/v1/read: Prometheus' remote read, for Prometheus and Thanos that ask Leadline for
// series.
//
// Answers as samples or as streamed XOR chunks, what the client likes better of the two; native
// histograms as samples only: where the client takes those too they go so, and otherwise it is
// refused. A series has the labels that PromQL sees; a matcher that names a Kubernetes label makes
// that visible. Staleness markers are among the samples.
//
// Errors: 400 for what is no request or asks for what the store cannot do, 422 above the limit of
// samples, 503 where the time is up. Threading: any thread. Ownership: the queryable and the
// registry outlive it, and it the server whose route it is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"

#include "collector/store/store.h"
#include "common/http/router.h"
#include "prometheus/registry.h"

namespace leadline::collector::remote::read {

struct ReadOptions {
  const store::Queryable* queryable = nullptr;  // required, as the next one
  prometheus::Registry* registry = nullptr;
  std::string tenant = "default";
  uint64_t max_samples = 20'000'000;  // of a request
  absl::Duration timeout = absl::Minutes(2);
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
