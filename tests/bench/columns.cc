#include "tests/bench/columns.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace leadline::collector::store {
namespace {

using Random = std::mt19937_64;
using Values = std::vector<double>;

// A counter that begins somewhere and grows by what `step` gives; `unit` is what one is worth.
template <typename Step>
Values Counter(size_t count, Random& random, double unit, Step step) {
  Values values;
  auto total = static_cast<int64_t>(random() % 10'000'000);
  for (size_t i = 0; i < count; ++i) {
    total += static_cast<int64_t>(step());
    values.push_back(static_cast<double>(total) * unit);
  }
  return values;
}

// As a program does that divides what it counted.
template <typename Step>
Values Divided(size_t count, Random& random, double by, Step step) {
  Values values = Counter(count, random, 1, step);
  for (double& value : values) value /= by;
  return values;
}

Values Poisson(size_t count, Random& random, double mean) {
  std::poisson_distribution<int64_t> step(mean);
  return Counter(count, random, 1, [&] { return step(random); });
}

Values Constant(size_t count, Random& random) {
  return Values(count, static_cast<double>(random() % 64) * 16777216);
}

Values TwoValued(size_t count, Random& random) {
  Values values;
  bool up = true;
  for (size_t i = 0; i < count; ++i) {
    if (random() % 100 == 0) up = !up;
    values.push_back(up ? 1 : 0);
  }
  return values;
}

Values Bytes(size_t count, Random& random) {
  std::lognormal_distribution<double> step(std::log(1.5e6), 0.3);
  return Counter(count, random, 1, [&] { return step(random); });
}

Values Pages(size_t count, Random& random) {
  Values values;
  auto pages = static_cast<int64_t>(20'000 + random() % 40'000);
  std::normal_distribution<double> step(0, 40);
  for (size_t i = 0; i < count; ++i) {
    if (random() % 10 < 6) pages = std::max<int64_t>(100, pages + std::lround(step(random)));
    values.push_back(static_cast<double>(pages * 4096));
  }
  return values;
}

template <int64_t kUnitsASecond>
Values CpuSeconds(size_t count, Random& random) {
  std::normal_distribution<double> step(2.0, 0.25);
  return Divided(count, random, kUnitsASecond,
                 [&] { return std::max(0.0, step(random)) * kUnitsASecond; });
}

Values Threads(size_t count, Random& random) {
  Values values;
  int64_t threads = 8;
  for (size_t i = 0; i < count; ++i) {
    if (random() % 10 == 0) threads = std::max<int64_t>(1, threads + (random() % 2 ? 1 : -1));
    values.push_back(static_cast<double>(threads));
  }
  return values;
}

Values Queue(size_t count, Random& random) {
  Values values;
  for (size_t i = 0; i < count; ++i) values.push_back(static_cast<double>(random() % 100));
  return values;
}

Values Percent(size_t count, Random& random) {
  Values values;
  for (size_t i = 0; i < count; ++i) values.push_back(static_cast<double>(random() % 101) / 100);
  return values;
}

Values SmoothRatio(size_t count, Random& random) {
  Values values;
  std::normal_distribution<double> noise(0, 12);
  for (size_t i = 0; i < count; ++i) {
    const double wave = 5000 + 2000 * std::sin(static_cast<double>(i) / 300);
    values.push_back(std::round(wave + noise(random)) / 10'000);
  }
  return values;
}

Values Bursts(size_t count, Random& random) {
  std::lognormal_distribution<double> step(std::log(20'000), 0.8);
  return Counter(count, random, 1, [&] { return random() % 10 < 3 ? step(random) : 0; });
}

Values FloatRatio(size_t count, Random& random) {
  Values values;
  for (size_t i = 0; i < count; ++i) {
    values.push_back(static_cast<double>(random() % 4000) / static_cast<double>(7001));
  }
  return values;
}

Values FloatSum(size_t count, Random& random) {
  Values values;
  double sum = static_cast<double>(random() % 100'000) / 7;
  std::exponential_distribution<double> latency(1 / 0.03);
  for (size_t i = 0; i < count; ++i) {
    for (uint64_t calls = random() % 20; calls > 0; --calls) sum += latency(random);
    values.push_back(sum);
  }
  return values;
}

double Entropy(const std::map<int64_t, size_t>& counts, size_t total) {
  double bits = 0;
  for (const auto& [value, count] : counts) {
    const double part = static_cast<double>(count) / static_cast<double>(total);
    bits -= part * std::log2(part);
  }
  return bits;
}

}  // namespace

const std::vector<ColumnShape>& ColumnShapes() {
  static const auto* const kShapes = new std::vector<ColumnShape>{
      {"constant", Constant},
      {"two-valued", TwoValued},
      {"counter, 200 a scrape", [](size_t n, Random& r) { return Poisson(n, r, 200); }},
      {"counter, 5 a scrape", [](size_t n, Random& r) { return Poisson(n, r, 5); }},
      {"bucket, 0.7 a scrape", [](size_t n, Random& r) { return Poisson(n, r, 0.7); }},
      {"errors, 0.005 a scrape", [](size_t n, Random& r) { return Poisson(n, r, 0.005); }},
      {"bytes counter", Bytes},
      {"bytes counter, bursts", Bursts},
      {"memory, pages", Pages},
      {"CPU seconds, ns", CpuSeconds<1'000'000'000>},
      {"CPU seconds, us", CpuSeconds<1'000'000>},
      {"CPU seconds, 10 ms", CpuSeconds<100>},
      {"threads", Threads},
      {"queue, 0 to 99", Queue},
      {"ratio, 2 decimals", Percent},
      {"ratio, 4 decimals", SmoothRatio},
      {"ratio, binary", FloatRatio},
      {"float sum", FloatSum},
  };
  return *kShapes;
}

double EntropyBits(const ColumnShape& shape) {
  constexpr size_t kSeries = 200;
  constexpr size_t kSamples = 5000;
  std::map<int64_t, size_t> values;
  std::map<int64_t, size_t> steps;
  for (size_t series = 0; series < kSeries; ++series) {
    Random random(series);
    const Values column = shape.make(kSamples, random);
    int64_t before = 0;
    for (const double value : column) {
      const auto scaled = static_cast<int64_t>(std::llround(value * 1e9));
      ++values[scaled - static_cast<int64_t>(std::llround(column[0] * 1e9))];
      ++steps[scaled - before];
      before = scaled;
    }
  }
  return std::min(Entropy(values, kSeries * kSamples), Entropy(steps, kSeries * kSamples));
}

}  // namespace leadline::collector::store
