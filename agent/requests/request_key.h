// What requests are told apart by, and how they are counted: a row for each.
//
// Plain values. All texts are normalised or from tables (agent/protocols/base/record.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/types/span.h"

#include "agent/model/histogram_bucket.h"
#include "agent/protocols/base/connection_info.h"
#include "agent/protocols/base/record.h"

namespace leadline::agent::requests {

template <typename Text>
struct BasicRequestKey {
  protocols::base::RecordKind kind = protocols::base::RecordKind::kHttp;
  protocols::base::Side side = protocols::base::Side::kClient;
  Text protocol{};  // OpenTelemetry's name of it, or of the database
  Text operation{};
  Text target{};  // route, RPC method, question; of databases operation and tables
  Text status{};
  Text error{};

  template <typename H>
  friend H AbslHashValue(H state, const BasicRequestKey& key) {
    return H::combine(std::move(state), key.kind, key.side, std::string_view(key.protocol),
                      std::string_view(key.operation), std::string_view(key.target),
                      std::string_view(key.status), std::string_view(key.error));
  }
};

using RequestKey = BasicRequestKey<std::string_view>;
using OwnedRequestKey = BasicRequestKey<std::string>;

template <typename From, typename To>
void CopyRequestKey(const BasicRequestKey<From>& from, BasicRequestKey<To>& to) {
  to.kind = from.kind;
  to.side = from.side;
  to.protocol = from.protocol;
  to.operation = from.operation;
  to.target = from.target;
  to.status = from.status;
  to.error = from.error;
}

// For maps of owned keys that are asked by views.
struct RequestKeyHash {
  using is_transparent = void;
  template <typename Text>
  size_t operator()(const BasicRequestKey<Text>& key) const {
    return absl::HashOf(key);
  }
};
struct RequestKeyEqual {
  using is_transparent = void;
  template <typename A, typename B>
  bool operator()(const BasicRequestKey<A>& a, const BasicRequestKey<B>& b) const {
    return a.kind == b.kind && a.side == b.side && a.protocol == b.protocol &&
           a.operation == b.operation && a.target == b.target && a.status == b.status &&
           a.error == b.error;
  }
};

inline constexpr int kRequestSchema = 3;
// Of what has no row of its own.
inline constexpr std::string_view kOther = "~other";

// Cumulative since the agent's start; none falls. Valid while it is handed out.
struct RequestCounters {
  uint64_t cgroup_id = 0;
  bool last = false;  // the row is given up after this
  RequestKey key;
  uint64_t duration_ns = 0;  // of all together
  // Of schema kRequestSchema, in seconds; ascending, none empty. All together they are the
  // requests.
  absl::Span<const HistogramBucket> buckets;
};

}  // namespace leadline::agent::requests
