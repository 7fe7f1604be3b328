// Every file of the store, damaged in every way: a flipped bit, a cut end, not there. The store
// must say so (by an error that names a file, or in quarantine), or serve all there was; it must
// never serve what was not written.
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "collector/store/file/files.h"
#include "tests/unit/collector/store/engine/store_fixture.h"

namespace leadline::collector::store::engine {
namespace {

namespace fs = std::filesystem;

class CorruptionTest : public StoreFixture {
 protected:
  void SetUp() override {
    options_.log_segment_bytes = 1500;
    options_.warm_up_ms = 1000;  // which finds some of it first
    clock_.AdvanceMs(2 * kDay);  // to behind the last sample
    Open();
    for (int day = 0; day < 2; ++day) {
      for (int i = 0; i < 40; ++i) AppendAt(kT0 + day * kDay + i * 1000);
    }
    Flush();
    for (int i = 0; i < 40; ++i) AppendAt(kT0 + 2 * kDay + i * 1000);
    all_ = Served();
    ASSERT_EQ(all_.size(), 120u);
    store_.reset();
    fs::rename(options_.dir, dir_.File("whole"));
  }

  // The value says when.
  void AppendAt(int64_t ts_ms) {
    AppendSample({"m", HashId({"e"}), {}}, ts_ms, static_cast<double>(ts_ms - kT0));
  }

  std::set<std::pair<int64_t, double>> Served() {
    std::set<std::pair<int64_t, double>> samples;
    for (const SeriesBlock& block : Select({Name("m")})) {
      for (size_t i = 0; i < block.ts_ms.size(); ++i) {
        samples.emplace(block.ts_ms[i], block.values[i]);
      }
    }
    return samples;
  }

  // Relative to the store's folder.
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(dir_.File("whole"))) {
      if (entry.is_regular_file()) {
        files.push_back(fs::relative(entry.path(), dir_.File("whole")).string());
      }
    }
    return files;
  }

  double Counted(const prometheus::Registry& registry, const std::string& name) {
    double sum = 0;
    for (const auto& family : registry.Collect()) {
      if (family.name != "leadline_collector_" + name) continue;
      for (const auto& metric : family.metric) sum += metric.counter.value;
    }
    return sum;
  }
  double Quarantined(const prometheus::Registry& registry) {
    return Counted(registry, "store_quarantined_total");
  }
  double Torn(const prometheus::Registry& registry) {
    return Counted(registry, "log_torn_bytes_total");
  }

  // What cannot be told from what was never written: the last log segment, gone as a whole
  // (docs/roadmap.md, known gaps).
  bool MayBeSilent(const std::string& file, bool cuts) {
    if (!cuts) return false;
    std::string last_segment;
    for (const std::string& other : Files()) {
      if (other.ends_with(".log") && other.starts_with("log/")) {
        last_segment = std::max(last_segment, other);
      }
    }
    return file == last_segment;
  }

  // Opens what `spoil` made of a copy of the folder; true when less than all is served.
  bool IsSeen(const std::string& file, const std::function<void(const std::string&)>& spoil,
              bool cuts = false) {
    fs::remove_all(options_.dir);
    fs::copy(dir_.File("whole"), options_.dir, fs::copy_options::recursive);
    spoil(options_.dir + "/" + file);
    prometheus::Registry registry;
    options_.registry = &registry;
    auto opened = OpenStore(options_);
    bool seen = true;
    if (!opened.ok()) {
      EXPECT_THAT(std::string(opened.status().message()), testing::HasSubstr(options_.dir));
    } else {
      store_ = *std::move(opened);
      const auto served = Served();
      EXPECT_TRUE(std::includes(all_.begin(), all_.end(), served.begin(), served.end()));
      // A flush reads more, and moves to quarantine what was found.
      const absl::Status flushed = store_->Flush();
      EXPECT_TRUE(flushed.ok()) << flushed;
      const auto left = Served();
      EXPECT_TRUE(std::includes(served.begin(), served.end(), left.begin(), left.end()));
      seen = left.size() < all_.size();
      if (!store_->queryable().Gaps(kT0, kT0 + 100 * kDay).empty()) {
        EXPECT_GT(Quarantined(registry), 0);
      }
      if (seen && !MayBeSilent(file, cuts)) {
        EXPECT_GT(Quarantined(registry) + Torn(registry), 0) << "lost without a word";
      }
      for (const auto& sample : all_) {
        if (Quarantined(registry) == 0 || left.contains(sample)) continue;
        EXPECT_FALSE(store_->queryable().Gaps(sample.first, sample.first).empty())
            << "lost without a warning: " << sample.first << ", but of "
            << testing::PrintToString(store_->queryable().Gaps(0, INT64_MAX));
      }
    }
    store_.reset();
    options_.registry = nullptr;
    return seen;
  }

  std::set<std::pair<int64_t, double>> all_;
};

void FlipBit(const std::string& path, uint64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const auto byte = static_cast<char>(file.get() ^ 0x10);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

TEST_F(CorruptionTest, IsSeenWhereverItIs) {
  std::map<std::string, int> seen;  // by the kind of file
  for (const std::string& file : Files()) {
    const std::string name = fs::path(file).filename().string();
    const std::string kind = name.ends_with(".log")         ? "log"
                             : name.ends_with(".sst")       ? "table"
                             : file.starts_with("MANIFEST") ? "manifest"
                                                            : "other";
    const uint64_t size = fs::file_size(dir_.File("whole") + "/" + file);
    SCOPED_TRACE(file);
    seen[kind] += IsSeen(
        file, [](const std::string& path) { fs::remove(path); }, /*cuts=*/true);
    constexpr uint64_t kPlaces = 12;
    for (uint64_t i = 0; size > 0 && i < kPlaces; ++i) {
      const uint64_t at = i * (size - 1) / (kPlaces - 1);
      SCOPED_TRACE("bit of byte " + std::to_string(at));
      seen[kind] += IsSeen(file, [&](const std::string& path) { FlipBit(path, at); });
    }
    for (const uint64_t left : {uint64_t{0}, size / 2, size - 1}) {
      if (left >= size) continue;
      SCOPED_TRACE("cut to " + std::to_string(left));
      seen[kind] += IsSeen(
          file, [&](const std::string& path) { fs::resize_file(path, left); }, /*cuts=*/true);
    }
  }
  EXPECT_GT(seen["log"], 10);
  EXPECT_GT(seen["table"], 10);
  EXPECT_EQ(seen["manifest"], 0);  // there is a copy
  EXPECT_GT(seen["other"], 2);
}

}  // namespace
}  // namespace leadline::collector::store::engine
