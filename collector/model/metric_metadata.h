// What writers say of their metrics: type, help and unit, the newest of each metric.
//
// In memory only: Prometheus repeats it once a minute, others with every request. Bounded: of one
// tenant kMaxMetrics metrics are kept and of a text kMaxTextBytes; what comes beyond is not, and
// Set says so. Thread-safe.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"

#include "common/mutex.h"

namespace leadline::collector::model {

class MetricMetadata {
 public:
  static constexpr size_t kMaxMetrics = 100'000;
  static constexpr size_t kMaxTextBytes = 4096;  // longer ones are cut

  struct Entry {
    std::string type;  // in Prometheus' words: "counter", "unknown", …
    std::string help;
    std::string unit;
    bool operator==(const Entry&) const = default;
  };
  // By metric.
  using Entries = std::map<std::string, Entry, std::less<>>;

  // False: there is no room. The texts are valid UTF-8.
  bool Set(std::string_view tenant, std::string_view metric, Entry entry)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // All of a tenant, or of one metric where it is not "".
  Entries Get(std::string_view tenant, std::string_view metric) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable Mutex mutex_;
  std::map<std::string, Entries, std::less<>> tenants_ ABSL_GUARDED_BY(mutex_);
};

// What the catalogue says of Leadline's own metrics; of one where it is not "".
MetricMetadata::Entries CatalogueMetadata(std::string_view metric = "");

}  // namespace leadline::collector::model
