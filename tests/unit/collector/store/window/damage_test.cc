// A window whose table files are damaged where compaction has put them: what is read is all there
// was, or DATA_LOSS.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rocksdb/cache.h>

#include "collector/store/window/rocks.h"
#include "collector/store/window/walk.h"
#include "collector/store/window/window.h"
#include "tests/unit/collector/store/temp_dir.h"
#include "tests/unit/sanitizers.h"

namespace leadline::collector::store::window {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kWindowStart = 1'700'006'400'000;  // 2023-11-15
constexpr size_t kSeries = 300;
constexpr int64_t kSamples = 100;
constexpr size_t kPlaces = 40;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

absl::StatusOr<size_t> CountSamples(const Window& window) {
  const auto matchers = index::Matchers::Compile({{Matcher::Op::kEqual, "__name__", "m"}});
  std::vector<SeriesRef> refs;
  absl::Status status = window.dictionary().Find("t", *matchers, {}, refs);
  if (!status.ok()) return status;
  size_t samples = 0;
  status = window.Read("t", refs, 0, INT64_MAX, [&](size_t, const chunk::Piece& piece) {
    chunk::ReadBudget unlimited = chunk::ReadBudget::Unlimited();
    const auto merged = chunk::MergePieces({piece}, {0, INT64_MAX}, unlimited);
    if (!merged.ok()) return merged.status();
    samples += merged->floats.size();
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return samples;
}

class DamagedWindowTest : public testing::Test {
 protected:
  void SetUp() override {
    auto window = Open(Window::Access::kCreate);
    ASSERT_TRUE(window.ok()) << window.status();
    for (int write = 0; write < 2; ++write) {
      ASSERT_TRUE(Write(**window).ok());
      ASSERT_TRUE((*window)->Sync().ok());
    }
    ASSERT_TRUE((*window)->Settle(model::kOpenEnd).ok());
    ASSERT_TRUE((*window)->Compact().ok());
    const auto samples = CountSamples(**window);
    ASSERT_TRUE(samples.ok()) << samples.status();
    ASSERT_EQ(*samples, kSeries * kSamples);
    window->reset();
    fs::rename(dir_.File("w"), dir_.File("whole"));
    for (const auto& entry : fs::directory_iterator(dir_.File("whole"))) {
      if (entry.path().extension() != ".sst") continue;
      if (table_.empty() || entry.file_size() > contents_.size()) {
        table_ = entry.path().filename();
        contents_ = ReadAll(entry.path());
      }
    }
  }

  absl::StatusOr<std::shared_ptr<Window>> Open(Window::Access access) {
    return Window::Open(dir_.File("w"), kWindowStart, {MakeBlockCache(1 << 20)}, access);
  }

  static absl::Status Write(Window& window) {
    TenantChunks chunks;
    for (size_t i = 0; i < kSeries; ++i) {
      chunk::Floats run;
      for (int64_t k = 0; k < kSamples; ++k) {
        run.Append(kWindowStart + k * 1000, std::sin(static_cast<double>(i * kSamples) + k));
      }
      const model::SeriesDefinition series{"m", HashId({"e"}),
                                           LabelSet({{"n", std::to_string(i)}})};
      chunks.series.push_back(
          {index::Intern(series),
           {{.floats = std::make_shared<const chunk::Floats>(std::move(run))}}});
    }
    return window.Write("t", chunks);
  }

  // A copy of the window with a bit flipped at `place` of kPlaces of its largest table.
  void Damage(size_t place) {
    fs::remove_all(dir_.File("w"));
    fs::copy(dir_.File("whole"), dir_.File("w"), fs::copy_options::recursive);
    std::string damaged = contents_;
    damaged[contents_.size() * place / kPlaces] ^= 4;
    std::ofstream(dir_.File("w") + "/" + table_, std::ios::binary) << damaged;
  }

  TempDir dir_;
  std::string table_;
  std::string contents_;
};

// RocksDB's iterators pass over damaged blocks there when they are not asked as Reading() does.
TEST_F(DamagedWindowTest, IsNeverPassedOver) {
  size_t found_by_reading = 0;
  for (size_t place = 0; place < kPlaces; ++place) {
    Damage(place);
    SCOPED_TRACE(place);
    EXPECT_TRUE(absl::IsDataLoss(WalkRows(
        dir_.File("w"), [](std::string_view, std::string_view) { return absl::OkStatus(); })));
    const auto window = Open(Window::Access::kRead);
    if (!window.ok()) {
      EXPECT_TRUE(absl::IsDataLoss(window.status())) << window.status();
      continue;
    }
    const auto samples = CountSamples(**window);
    if (samples.ok()) {
      EXPECT_EQ(*samples, kSeries * kSamples);
    } else {
      EXPECT_TRUE(absl::IsDataLoss(samples.status())) << samples.status();
      ++found_by_reading;
    }
  }
  EXPECT_GT(found_by_reading, kPlaces / 2);
}

// RocksDB says of some files that cannot be opened that the database is damaged.
TEST_F(DamagedWindowTest, WantOfDescriptorsIsNoDamage) {
#if LEADLINE_ASAN
  GTEST_SKIP() << "the sanitizer of undefined behaviour looks at memory through a pipe of its own";
#endif
  fs::copy(dir_.File("whole"), dir_.File("w"), fs::copy_options::recursive);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  for (const Window::Access access : {Window::Access::kRead, Window::Access::kWrite}) {
    int failed = 0;
    bool opened = false;
    for (int more = 0; !opened; ++more) {
      const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
      ASSERT_GE(next, 0);
      close(next);
      rlimit few = before;
      few.rlim_cur = static_cast<rlim_t>(next + more);
      ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
      const auto window = Open(access);
      ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
      EXPECT_FALSE(absl::IsDataLoss(window.status())) << window.status();
      failed += window.ok() ? 0 : 1;
      opened = window.ok();
    }
    EXPECT_GT(failed, 0);
  }
}

// It would be gone for good.
TEST_F(DamagedWindowTest, IsNotLeftOutByCompaction) {
  for (size_t place = 0; place < kPlaces; place += 4) {
    Damage(place);
    SCOPED_TRACE(place);
    const auto window = Open(Window::Access::kWrite);
    if (!window.ok()) {
      EXPECT_TRUE(absl::IsDataLoss(window.status())) << window.status();
      continue;
    }
    absl::Status status = Write(**window);
    if (status.ok()) status = (*window)->Sync();
    if (status.ok()) status = (*window)->Settle(model::kOpenEnd);
    if (status.ok()) status = (*window)->Compact();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  }
}

}  // namespace
}  // namespace leadline::collector::store::window
