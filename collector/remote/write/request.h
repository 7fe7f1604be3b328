// What a write request says, in whichever version it came: flat arrays, filled again and again, so
// that a request of series that are known allocates nothing.
//
// Views are into the bytes that were parsed. Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "collector/model/sample.h"
#include "collector/remote/write/metric_type.h"
#include "collector/store/store.h"

namespace leadline::collector::remote::write {

// Stands for a series' labels as they came: a 128-bit hash, seeded anew in each process. Senders
// write a series' labels alike each time, so equal keys are the series that is known; labels that
// are written otherwise (in another order) have another key, and the store says that they are the
// same series.
struct SeriesKey {
  uint64_t high = 0;
  uint64_t low = 0;

  bool operator==(const SeriesKey&) const = default;

  // The bits are good enough as they are.
  template <typename H>
  friend H AbslHashValue(H state, const SeriesKey& key) {
    return H::combine(std::move(state), key.low);
  }
};

SeriesKey HashLabels(std::string_view labels);
uint64_t HashSymbol(std::string_view symbol);  // seeded likewise

enum class Version : uint8_t { k1, k2 };

// Of a series in version 2: help and unit as numbers of symbols.
struct SeriesMetadata {
  MetricType type = MetricType::kUnknown;
  uint32_t help = 0;
  uint32_t unit = 0;
};

// In place of the handle of a series that has none, which is what the store says, too.
inline constexpr store::SeriesHandle kNoHandle = store::kNoSeries;

struct Series {
  SeriesKey key;
  std::string_view labels;  // as they came; see the parser
  // Of the samples, histograms and exemplars of the request, those from the previous series' end to
  // here.
  uint32_t samples_end = 0;
  uint32_t histograms_end = 0;
  uint32_t exemplars_end = 0;
  SeriesMetadata metadata;
  int64_t created_ms = 0;  // since when a counter counts, unless its samples say other; 0: not said
  bool no_series = false;  // its labels are none that a series can have
  bool rejected = false;   // it, or a sample of it
  bool derived = false;    // from what the request has elsewhere: not rejected by itself
};

struct Sample {
  int64_t ts_ms = 0;
  double value = 0;
};

// From that sample of its series on, a counter counts since another time.
struct LaterStart {
  uint32_t sample = 0;
  int64_t start_ms = 0;
};

// A sample of 0 of ours, before a sample of the series.
struct Zero {
  uint32_t series = 0;
  uint32_t sample = 0;
  int64_t ts_ms = 0;
};

struct HistogramSample {
  int64_t ts_ms = 0;
  int64_t start_ms = 0;  // as LaterStart's; 0: not said
  std::string error;     // why it is none; "": it is one
  model::NativeHistogram value;
};

struct Exemplar {
  int64_t ts_ms = 0;  // 0: not said
  double value = 0;
  std::string_view labels;  // as Series::labels
};

// Of a metric, in version 1.
struct Metadata {
  std::string_view metric;
  MetricType type = MetricType::kUnknown;
  std::string_view help;
  std::string_view unit;
};

struct Request {
  Version version = Version::k1;
  std::vector<Series> series;
  std::vector<Sample> samples;
  std::vector<HistogramSample> histograms;
  std::vector<Exemplar> exemplars;
  std::vector<Metadata> metadata;
  std::deque<std::string> gathered;      // labels that did not come in one piece
  bool has_starts = false;               // some series says since when it counts
  std::vector<LaterStart> later_starts;  // in the order of samples
  // In the order of samples and histograms.
  std::vector<Zero> zeros;
  std::vector<Zero> histogram_zeros;

  // Of version 2.
  std::vector<std::string_view> symbols;
  std::vector<uint64_t> symbol_hashes;
  std::vector<uint64_t> hashes;  // of the series that is parsed

  void Clear();

  // INVALID_ARGUMENT where there is more of something than a request may have.
  absl::Status CheckSize() const;
};

}  // namespace leadline::collector::remote::write
