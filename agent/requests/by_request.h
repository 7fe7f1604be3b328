// A map by what requests are told apart by, and the caps that keep it small.
#pragma once

#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_map.h"

#include "agent/requests/request_key.h"

namespace leadline::agent::requests {

template <typename Value>
using ByRequest = absl::flat_hash_map<OwnedRequestKey, Value, RequestKeyHash, RequestKeyEqual>;

template <typename Value>
struct CappedValue {
  typename ByRequest<Value>::value_type& entry;  // until the map changes
  bool is_new = false;
  bool is_capped = false;  // not under its own key
};

// Where a request counts. `has_room(1)`: keys of their own may be added; without room it counts
// with the target `~other`, and without has_room(2), for as many of those again, with nothing but
// protocol and side. Allocates only for what is new.
template <typename Value, typename HasRoom>
CappedValue<Value> FindOrCap(ByRequest<Value>& map, RequestKey key, HasRoom has_room) {
  for (size_t tries = 1;; ++tries) {
    const bool is_capped = tries > 1;
    if (const auto found = map.find(key); found != map.end()) {
      return {.entry = *found, .is_capped = is_capped};
    }
    if (tries > 2 || has_room(tries)) {
      OwnedRequestKey owned;
      CopyRequestKey(key, owned);
      return {.entry = *map.try_emplace(std::move(owned)).first,
              .is_new = true,
              .is_capped = is_capped};
    }
    key.target = kOther;
    if (!is_capped) continue;
    key.operation = kOther;
    key.status = key.error = "";
  }
}

}  // namespace leadline::agent::requests
