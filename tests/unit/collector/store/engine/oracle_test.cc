// Random appends, flushes, restarts and selects, compared with a store that is a few maps.
#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/collector/store/engine/store_fixture.h"
#include "tests/unit/collector/store/rounds.h"

namespace leadline::collector::store::engine {
namespace {

constexpr int kEntities = 4;
constexpr int64_t kSpanMs = 3 * kDay;

// Everything that was ever written, and the rules of the interface applied to it one by one.
class Oracle {
 public:
  void AddSample(int metric, int entity, int64_t ts_ms, double value) {
    samples_[{metric, entity}][ts_ms] = value;
  }
  // Revisions ascend. One with the labels of the version before says only that they still hold.
  void AddVersion(int entity, model::EntityVersion version) {
    std::vector<model::EntityVersion>& versions = versions_[entity];
    if (!versions.empty() && versions.back().labels == version.labels) {
      version.valid_from_ms = std::max(version.valid_from_ms, versions.back().valid_from_ms);
    }
    versions.push_back(std::move(version));
  }

  // As Text() has it, sorted.
  std::vector<std::string> Select(const std::string& metric, const std::string& pod,
                                  int64_t start_ms, int64_t end_ms) const {
    // By labels and by who got them when, the latest last.
    std::map<LabelSet, std::map<std::pair<int64_t, Id128>, Samples>> parts;
    for (const auto& [key, samples] : samples_) {
      const int metric_number = key.first, entity = key.second;
      if (!metric.empty() && metric != MetricName(metric_number)) continue;
      const std::vector<int64_t> changes = LabelChanges(entity, 0, end_ms);
      const auto part_of = [&](int64_t ts_ms) -> Samples* {
        const model::EntityVersion* version = InForce(entity, ts_ms);
        LabelSet labels = version ? version->labels : LabelSet();
        labels.Set("__name__", MetricName(metric_number));
        if (!pod.empty() && labels.Get("pod") != pod) return nullptr;
        return &parts[labels][{LabelsSince(version, changes, ts_ms), EntityId(entity)}];
      };
      for (const auto& [ts_ms, value] : samples) {
        if (ts_ms < start_ms || ts_ms > end_ms) continue;
        if (Samples* part = part_of(ts_ms)) (*part)[ts_ms] = value;
      }
      for (const int64_t change_ms : LabelChanges(entity, start_ms, end_ms)) {
        Samples* part = part_of(change_ms - 1);
        if (part != nullptr && !part->empty()) (*part)[change_ms] = model::StaleNan();
      }
    }
    std::vector<std::string> texts;
    for (const auto& [labels, of_labels] : parts) {
      const Samples joined = Join(of_labels, start_ms);
      if (joined.empty()) continue;
      SeriesBlock block;
      block.labels = std::make_shared<LabelSet>(labels);
      for (const auto& [ts_ms, value] : joined) {
        block.ts_ms.push_back(ts_ms);
        block.values.push_back(value);
      }
      texts.push_back(Text(block));
    }
    return texts;
  }

  static std::string MetricName(int metric) { return "m" + std::to_string(metric); }
  static Id128 EntityId(int entity) { return HashId({"entity", std::to_string(entity)}); }

 private:
  using Samples = std::map<int64_t, double>;

  // Each part counts until the next begins; what it has later moves to just before that.
  static Samples Join(const std::map<std::pair<int64_t, Id128>, Samples>& parts, int64_t start_ms) {
    Samples joined;
    std::optional<int64_t> before_ms;
    for (const auto& [key, part] : parts) {
      if (part.empty()) continue;
      const int64_t begin_ms = key.first;
      if (before_ms && begin_ms > *before_ms) {
        std::optional<double> last;
        for (const auto& [ts_ms, value] : joined) {
          if (ts_ms >= begin_ms && !model::IsStaleNan(value)) last = value;
        }
        joined.erase(joined.lower_bound(begin_ms), joined.end());
        if (last && begin_ms - 1 >= start_ms) joined[begin_ms - 1] = *last;
      }
      for (const auto& [ts_ms, value] : part) joined[ts_ms] = value;
      before_ms = begin_ms;
    }
    return joined;
  }

  // When an entity got the labels that it has at t, from its version at t and its changes.
  static int64_t LabelsSince(const model::EntityVersion* version,
                             const std::vector<int64_t>& changes, int64_t t_ms) {
    const auto later = std::upper_bound(changes.begin(), changes.end(), t_ms);
    if (later != changes.begin()) return *std::prev(later);
    return version == nullptr ? 0 : version->start_ms;
  }

  // The times after start_ms, up to end_ms, from which on an entity has other labels.
  std::vector<int64_t> LabelChanges(int entity, int64_t start_ms, int64_t end_ms) const {
    std::set<int64_t> changes;
    const auto it = versions_.find(entity);
    if (it == versions_.end()) return {};
    for (const model::EntityVersion& one : it->second) {
      const int64_t t_ms = one.valid_from_ms;
      if (t_ms > start_ms && t_ms <= end_ms &&
          InForce(entity, t_ms)->labels != InForce(entity, t_ms - 1)->labels) {
        changes.insert(t_ms);
      }
    }
    return {changes.begin(), changes.end()};
  }

  const model::EntityVersion* InForce(int entity, int64_t t_ms) const {
    const auto it = versions_.find(entity);
    if (it == versions_.end()) return nullptr;
    const model::EntityVersion* in_force = nullptr;
    const model::EntityVersion* first = nullptr;
    for (const model::EntityVersion& one : it->second) {
      const bool replaced =
          std::any_of(it->second.begin(), it->second.end(), [&](const model::EntityVersion& other) {
            return other.valid_from_ms <= one.valid_from_ms && other.revision > one.revision;
          });
      if (replaced) continue;
      if (first == nullptr || one.valid_from_ms < first->valid_from_ms) first = &one;
      if (one.valid_from_ms <= t_ms &&
          (in_force == nullptr || one.valid_from_ms > in_force->valid_from_ms)) {
        in_force = &one;
      }
    }
    return in_force ? in_force : first;
  }

  std::map<std::pair<int, int>, std::map<int64_t, double>> samples_;
  std::map<int, std::vector<model::EntityVersion>> versions_;
};

class OracleTest : public StoreFixture, public testing::WithParamInterface<uint32_t> {
 protected:
  OracleTest() : random_(GetParam()) {
    options_.head_shards = 1 + random_() % 4;
    options_.log_segment_bytes = 4096;
    if (random_() % 2 == 0) {  // flush by itself, a shard after the other
      options_.flush_log_bytes = 4096;
      options_.maintenance_interval = absl::Milliseconds(2);
    }
    clock_.AdvanceMs(kSpanMs);
  }

  int64_t Random(int64_t below) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(below));
  }

  model::EntityVersion RandomVersion(int entity) {
    model::EntityVersion version;
    version.id = Oracle::EntityId(entity);
    // Few pods, so that entities share label sets and are joined.
    version.labels = LabelSet({{"pod", "pod" + std::to_string(Random(3))}});
    version.start_ms = kT0 + entity;
    version.valid_from_ms = Random(3) == 0 ? version.start_ms : kT0 + Random(kSpanMs);
    version.revision = ++revision_;
    return version;
  }

  void AppendRandom() {
    WriteBatch batch;
    const int entity = static_cast<int>(Random(kEntities));
    if (Random(4) == 0) {
      batch.entities.push_back(RandomVersion(entity));
      oracle_.AddVersion(entity, batch.entities.back());
    }
    for (int metric = 0; metric < 2; ++metric) {
      batch.series.push_back(
          Resolve({Oracle::MetricName(metric), Oracle::EntityId(entity), LabelSet()}));
    }
    // Mostly onwards, sometimes anywhere.
    int64_t& now = now_ms_[entity];
    const size_t frames = 1 + static_cast<size_t>(Random(Random(10) == 0 ? 400 : 4));
    for (size_t i = 0; i < frames; ++i) {
      now = std::min(now + 1 + Random(60'000), kSpanMs - 1);
      const int64_t ts_ms = kT0 + (Random(5) == 0 ? Random(kSpanMs / 1000) * 1000 : now);
      FloatFrame frame{ts_ms, {}, {}};
      for (uint32_t metric = 0; metric < 2; ++metric) {
        if (Random(4) == 0) continue;
        frame.series.push_back(metric);
        frame.values.push_back(Random(30) == 0 ? model::StaleNan() : double(Random(1000)));
        oracle_.AddSample(static_cast<int>(metric), entity, ts_ms, frame.values.back());
      }
      batch.floats.push_back(std::move(frame));
    }
    Append(std::move(batch));
  }

  void CompareRandom() {
    std::vector<Matcher> matchers;
    const std::string metric = Random(3) ? Oracle::MetricName(static_cast<int>(Random(2))) : "";
    const std::string pod = metric.empty() || Random(2) ? "pod" + std::to_string(Random(3)) : "";
    if (!metric.empty()) matchers.push_back(Name(metric));
    if (!pod.empty()) matchers.push_back(Equal("pod", pod));
    int64_t start_ms = kT0;
    int64_t end_ms = kT0 + kSpanMs;
    if (Random(2)) {
      start_ms += Random(kSpanMs);
      end_ms = start_ms + Random(kSpanMs);
    }
    ASSERT_EQ(Texts(Select(matchers, {.start_ms = start_ms, .end_ms = end_ms})),
              oracle_.Select(metric, pod, start_ms, end_ms))
        << "metric " << metric << ", pod " << pod << ", " << start_ms - kT0 << " to "
        << end_ms - kT0;
  }

  std::mt19937 random_;
  Oracle oracle_;
  uint64_t revision_ = 0;
  std::map<int, int64_t> now_ms_;
};

TEST_P(OracleTest, AnswersAsTheOracleDoes) {
  for (int step = 0; step < 250; ++step) {
    const int64_t what = Random(100);
    if (what < 70) {
      ASSERT_NO_FATAL_FAILURE(AppendRandom());
    } else if (what < 94) {
      ASSERT_NO_FATAL_FAILURE(CompareRandom()) << "step " << step;
    } else if (what < 97) {
      ASSERT_NO_FATAL_FAILURE(Flush());
    } else {
      ASSERT_NO_FATAL_FAILURE(Open());
    }
  }
  ASSERT_NO_FATAL_FAILURE(Flush());
  for (int i = 0; i < 10; ++i) ASSERT_NO_FATAL_FAILURE(CompareRandom());
}

INSTANTIATE_TEST_SUITE_P(Seeds, OracleTest, testing::Range(1u, 1u + Rounds(6u)));

}  // namespace
}  // namespace leadline::collector::store::engine
