#include "collector/remote/write/request.h"

#include <xxhash.h>

#include <random>

#include <fmt/format.h>

#include "collector/remote/write/limits.h"

namespace leadline::collector::remote::write {

namespace {

uint64_t Seed() {
  static const uint64_t seed = [] {
    std::random_device random;
    return static_cast<uint64_t>(random()) << 32 | random();
  }();
  return seed;
}

}  // namespace

SeriesKey HashLabels(std::string_view labels) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(labels.data(), labels.size(), Seed());
  return {hash.high64, hash.low64};
}

uint64_t HashSymbol(std::string_view symbol) {
  return XXH3_64bits_withSeed(symbol.data(), symbol.size(), Seed());
}

absl::Status Request::CheckSize() const {
  const struct {
    const char* what;
    size_t size;
    size_t most;
  } parts[] = {{"series", series.size(), kMaxSeries},
               {"samples", samples.size(), kMaxSamples},
               {"histograms", histograms.size(), kMaxHistograms},
               {"exemplars", exemplars.size(), kMaxExemplars},
               {"descriptions of metrics", metadata.size(), kMaxMetadata},
               {"symbols", symbols.size(), kMaxSymbols}};
  for (const auto& part : parts) {
    if (part.size <= part.most) continue;
    return absl::InvalidArgumentError(
        fmt::format("a request of more than {} {}", part.most, part.what));
  }
  return absl::OkStatus();
}

void Request::Clear() {
  version = Version::k1;
  series.clear();
  samples.clear();
  histograms.clear();
  exemplars.clear();
  metadata.clear();
  gathered.clear();
  has_starts = false;
  later_starts.clear();
  zeros.clear();
  histogram_zeros.clear();
  symbols.clear();
  symbol_hashes.clear();
}

}  // namespace leadline::collector::remote::write
