// Who answers: /api/v1/status/….
//
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "collector/api/cardinality.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "common/http/router.h"

namespace prometheus {
class Registry;
}

namespace leadline::collector::api {

// What the program was started with: names and values, as texts.
using Flags = std::vector<std::pair<std::string, std::string>>;

class StatusApi {
 public:
  // The queryable and the clock must outlive it.
  StatusApi(const store::Queryable& queryable, std::string tenant, const Clock& clock, Flags flags,
            std::shared_ptr<prometheus::Registry> registry)
      : queryable_(queryable),
        tenant_(std::move(tenant)),
        clock_(clock),
        flags_(std::move(flags)),
        registry_(std::move(registry)),
        start_ms_(clock.NowUnixMs()) {}

  // As long as the router is used, this must live.
  void AddRoutes(http::Router& router) const;

 private:
  http::Response RuntimeInfo() const;
  http::Response AnswerFlags() const;
  http::Response Configuration() const;
  http::Response Gaps() const;
  http::Response StoreStatus(const http::Request& request) const;
  // CANCELLED once that is set; nullptr: nobody can.
  absl::Status CountSeries(int64_t start_ms, int64_t end_ms, const std::atomic<bool>* cancelled,
                           LabelCounter& counter) const;

  const store::Queryable& queryable_;
  const std::string tenant_;
  const Clock& clock_;
  const Flags flags_;
  const std::shared_ptr<prometheus::Registry> registry_;
  const int64_t start_ms_;
};

}  // namespace leadline::collector::api
