// Who has an address.
#pragma once

#include <cstdint>

#include "common/labels.h"

namespace leadline::collector::cluster {

struct Who {
  LabelSet labels;  // peer_type and the rest; empty: nobody is known
  // From when on, in milliseconds since the Unix epoch; 0: for as long as anything is known of
  // that.
  int64_t since_ms = 0;

  bool operator==(const Who&) const = default;
};

}  // namespace leadline::collector::cluster
