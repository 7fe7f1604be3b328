// What Prometheus has no word for: which entities there were, with which labels, and how those of
// one changed.
//
// Thread-safe.
#pragma once

#include <string>
#include <utility>

#include "collector/store/store.h"
#include "common/clock.h"
#include "common/http/router.h"

namespace leadline::collector::api {

class EntitiesApi {
 public:
  // The queryable and the clock must outlive it.
  EntitiesApi(const store::Queryable& queryable, std::string tenant, const Clock& clock)
      : queryable_(queryable), tenant_(std::move(tenant)), clock_(clock) {}

  // As long as the router is used, this must live.
  void AddRoutes(http::Router& router) const;

 private:
  http::Response At(const http::Request& request) const;
  http::Response Versions(const http::Request& request) const;  // captures: the entity's id

  const store::Queryable& queryable_;
  const std::string tenant_;
  const Clock& clock_;
};

}  // namespace leadline::collector::api
