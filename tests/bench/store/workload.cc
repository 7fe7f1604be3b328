#include "workload.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

namespace leadline::bench {
namespace {

constexpr int kNamespaces = 20;
constexpr int kServices = 120;
constexpr double kIntervalS = static_cast<double>(kIntervalMs) / 1000;
constexpr std::array<double, 10> kPowers = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
constexpr std::array<const char*, 12> kTrades = {"cart",   "billing", "search", "media",
                                                 "orders", "users",   "stock",  "mail",
                                                 "geo",    "prices",  "ads",    "audit"};

// The latencies of a service as a table: each entry is equally likely.
struct Latency {
  uint32_t us;
  uint8_t native;   // index into Latencies::native
  uint8_t classic;  // the first bound that holds it
};
constexpr int kEntries = 1024;
using LatencyTable = std::array<Latency, kEntries>;

// Of a log-normal distribution, by the inverse of the logistic one, which is close and simple.
LatencyTable MakeTable(int service) {
  LatencyTable table;
  const double median_s = 0.002 * std::pow(1.04, service);
  for (int i = 0; i < kEntries; ++i) {
    const double p = (i + 0.5) / kEntries;
    const double seconds = std::clamp(median_s * std::pow(p / (1 - p), 0.45), 0.0003, 15.0);
    Latency& latency = table[static_cast<size_t>(i)];
    latency.us = static_cast<uint32_t>(seconds * 1e6);
    const double rounded = latency.us / 1e6;
    latency.native = static_cast<uint8_t>(
        static_cast<int>(std::ceil(std::log2(rounded) * (1 << kSchema))) - Latencies::kFirstBucket);
    latency.classic = static_cast<uint8_t>(
        std::lower_bound(kBounds.begin(), kBounds.end(), rounded) - kBounds.begin());
  }
  return table;
}

const LatencyTable& TableOf(int service) {
  static const auto* const tables = [] {
    auto* made = new std::array<LatencyTable, kServices>;
    for (int i = 0; i < kServices; ++i) (*made)[static_cast<size_t>(i)] = MakeTable(i);
    return made;
  }();
  return (*tables)[static_cast<size_t>(service)];
}

// Classic buckets are counted apart here and added up by AddUp.
void Serve(Container& container, std::array<uint32_t, kBoundTexts.size()>& classic) {
  const LatencyTable& table = TableOf(container.service);
  const int64_t requests = container.random.Poisson(container.load * 15 * kIntervalS);
  uint64_t bits = 0;
  for (int64_t i = 0; i < requests; ++i) {
    if (i % 4 == 0) bits = container.random.Next();
    const Latency& latency = table[bits % kEntries];
    // The digits that the table does not have.
    container.latencies.sum_us += latency.us + (bits >> 10) % 64;
    ++container.latencies.native[latency.native];
    ++classic[latency.classic];
    bits >>= 16;
  }
  container.latencies.count += static_cast<uint64_t>(requests);
}

void AddUp(Container& container, const std::array<uint32_t, kBoundTexts.size()>& served) {
  uint64_t total = 0;
  for (size_t i = 0; i < served.size(); ++i) {
    total += served[i];
    container.latencies.classic[i] += total;
  }
}

int64_t NextUnits(const MetricRow& row, size_t i, Container& container) {
  Random& random = container.random;
  const int64_t now = container.units[i];
  const int64_t base = container.base[i];
  const double full = row.scale * kIntervalS * kPowers[static_cast<size_t>(row.decimals)];
  switch (row.shape) {
    case Shape::kSteady:
      return now + std::llround(full) + (random.Below(16) == 0 ? 1 : 0);
    case Shape::kEvents:
      return now + random.Poisson(full * container.load);
    case Shape::kSizes: {
      const double mean = full * container.load;
      return now + std::max<int64_t>(0, std::llround(mean * (1 + 0.2 * random.Normal())));
    }
    case Shape::kPages:
      return now + 4096 * random.Poisson(full * container.load);
    case Shape::kRare:
      return now + (row.scale == 0 ? 0 : random.Poisson(full * container.load * 0.2));
    case Shape::kMemory: {
      if (random.Uniform() > 0.05 + container.load) return now;
      const int64_t pages = now / 4096;
      const double pull = static_cast<double>(base - pages) * 0.05;
      const double step = static_cast<double>(base) * 0.004 * random.Normal();
      return 4096 * std::max<int64_t>(1, pages + std::llround(pull + step));
    }
    case Shape::kLevel: {
      const double units = row.scale * kPowers[static_cast<size_t>(row.decimals)];
      return std::max<int64_t>(0,
                               std::llround(units * container.load * (1 + 0.1 * random.Normal())));
    }
    case Shape::kFloat:
      return std::bit_cast<int64_t>(row.scale * container.load * (1 + 0.1 * random.Normal()) *
                                    (1 + random.Uniform() * 1e-3));
    case Shape::kSmall:
      if (random.Uniform() > 0.02 + 0.4 * container.load) return now;
      return std::max<int64_t>(
          0, base + random.Poisson(static_cast<double>(base) * 0.1 + container.load));
    case Shape::kConstant:
      return now;
  }
  return now;
}

int64_t FirstUnits(const MetricRow& row, size_t i, Container& container) {
  Random& random = container.random;
  switch (row.shape) {
    case Shape::kMemory:
      container.base[i] = std::llround(row.scale * (0.3 + 1.4 * random.Uniform()));
      return 4096 * container.base[i];
    case Shape::kSmall:
      container.base[i] = std::llround(row.scale * (0.3 + 1.4 * random.Uniform()));
      return container.base[i];
    case Shape::kConstant:
      if (row.scale == 0) return container.start_ms / 1000;
      return std::llround(row.scale) << random.Below(3);
    default:
      return NextUnits(row, i, container);
  }
}

}  // namespace

Node::Node(const WorkloadOptions& options, int index)
    : options_(options),
      index_(index),
      phase_ms_(static_cast<int64_t>(MixAll(options.seed, index) % 9 * 1000 + 100 +
                                     MixAll(options.seed, index, 1) % 700)),
      containers_(kContainers) {}

// Containers are read one after the other; one scrape in eight begins a little late.
int64_t Node::Timestamp(int slot) const {
  return options_.start_ms + scrape_ * kIntervalMs + phase_ms_ + slot / 2 + late_ms_;
}

bool Node::IsReplaced(int pod) const {
  if (scrape_ == 0 || scrape_ * kIntervalMs % kReplaceEveryMs != 0) return false;
  return MixAll(options_.seed, index_, pod, scrape_) % 100 == 0;
}

void Node::Begin(int slot) {
  const int pod = slot / kContainersAPod;
  const bool is_app = slot % kContainersAPod == 0;
  const uint32_t generation = generations_[static_cast<size_t>(pod)];
  const uint64_t place = MixAll(options_.seed, index_, pod);
  const uint64_t instance = MixAll(place, generation);
  const int service = static_cast<int>(place % kServices);
  Container& container = containers_[static_cast<size_t>(slot)];
  container = {};
  container.random = Random(MixAll(instance, is_app));
  container.service = service;
  container.start_ms = Timestamp(slot);
  container.is_new = true;
  container.id = fmt::format("{:016x}-{}", instance, slot % kContainersAPod);
  const std::string name =
      fmt::format("{}-{}", kTrades[static_cast<size_t>(service) % kTrades.size()], service);
  const std::string image = is_app ? fmt::format("registry.example.com/{}:v1.{}", name, service % 7)
                                   : "registry.example.com/mesh/proxy:v2.14.3";
  container.labels = {
      {"cluster", "bench"},
      {"container", is_app ? "app" : "proxy"},
      {"image", image},
      {"namespace", fmt::format("team-{:02}", service % kNamespaces)},
      {"node", fmt::format("node-{:04}.example.internal", index_)},
      {"pod", fmt::format("{}-{:08x}-{:05x}", name, Mix(static_cast<uint64_t>(service)) >> 32,
                          instance & 0xfffff)},
      {"service", name},
  };
  // A third of the containers hardly does anything, some are busy.
  const double dice = container.random.Uniform();
  container.activity = dice < 0.33 ? 0.002 : dice < 0.85 ? 0.1 + 0.2 * dice : 0.6;
  container.load = container.activity;
  for (size_t i = 0; i < kPlainSeries; ++i) {
    container.units[i] = FirstUnits(kMetrics[i], i, container);
  }
}

void Node::Scrape(bool replace_all) {
  const uint64_t dice = MixAll(options_.seed, index_, scrape_, 2);
  late_ms_ = dice % 8 == 0 ? static_cast<int64_t>(1 + dice / 8 % 8) : 0;
  ended_.clear();
  for (int slot = 0; slot < kContainers; ++slot) {
    Container& container = containers_[static_cast<size_t>(slot)];
    const int pod = slot / kContainersAPod;
    const bool replaced = scrape_ > 0 && (replace_all || IsReplaced(pod));
    if (replaced) {
      ended_.push_back(std::move(container));
      ended_.back().ts_ms = Timestamp(slot);
      if (slot % kContainersAPod == 0) ++generations_[static_cast<size_t>(pod)];
    }
    if (scrape_ == 0 || replaced) {
      Begin(slot);
    } else {
      container.is_new = false;
      container.load = std::clamp(container.load + 0.1 * (container.activity - container.load) +
                                      0.05 * container.activity * container.random.Normal(),
                                  0.0, 1.0);
      for (size_t i = 0; i < options_.plain; ++i) {
        container.units[i] = NextUnits(kMetrics[i], i, container);
      }
    }
    container.ts_ms = Timestamp(slot);
    for (size_t i = 0; i < options_.plain; ++i) {
      container.values[i] = kMetrics[i].shape == Shape::kFloat
                                ? std::bit_cast<double>(container.units[i])
                                : static_cast<double>(container.units[i]) /
                                      kPowers[static_cast<size_t>(kMetrics[i].decimals)];
    }
    if (!options_.histograms) continue;
    std::array<uint32_t, kBoundTexts.size()> classic{};
    Serve(container, classic);
    AddUp(container, classic);
  }
  ++scrape_;
}

}  // namespace leadline::bench
