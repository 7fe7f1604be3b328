// Writes what rules give to the store, and waits until it is durable.
//
// Errors: those of the store. Any thread; the store outlives it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "collector/rules/recording.h"
#include "collector/store/store.h"

namespace leadline::collector::rules {

class Appender {
 public:
  Appender(store::Appendable& store, std::string tenant)
      : store_(store), tenant_(std::move(tenant)) {}

  // The samples at one time, and staleness markers for the series of `ended`.
  absl::Status Append(int64_t ts_ms, const std::vector<Recorded>& samples,
                      const std::vector<LabelSet>& ended) const;

 private:
  store::Appendable& store_;
  const std::string tenant_;
};

}  // namespace leadline::collector::rules
