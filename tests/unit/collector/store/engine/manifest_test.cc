#include "collector/store/engine/manifest.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/chunk/window_time.h"
#include "tests/unit/collector/store/golden.h"

namespace leadline::collector::store::engine {
namespace {

const Manifest kManifest{{12, 13, 12, 14}, {0, 1'700'006'400'000}};

TEST(Manifest, IsWrittenAndReadAsItIsOnDisk) {
  const auto read = ParseManifest(Golden("MANIFEST", EncodeManifest(kManifest)));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, kManifest);
}

TEST(Manifest, AnyChangedOrMissingByteIsFound) {
  const std::string text = EncodeManifest(kManifest);
  for (size_t at = 0; at < text.size(); ++at) {
    EXPECT_FALSE(ParseManifest(text.substr(0, at)).ok()) << at;
    std::string changed = text;
    changed[at] ^= 1;
    EXPECT_FALSE(ParseManifest(changed).ok()) << at;
  }
  EXPECT_FALSE(ParseManifest(text + "x").ok());
}

TEST(Manifest, ANewerVersionIsRefusedAsSuch) {
  EXPECT_EQ(ParseManifest("leadline-store 3\n").status().code(), absl::StatusCode::kUnimplemented);
}

TEST(WindowName, IsTheDay) {
  EXPECT_EQ(WindowName(0), "1970-01-01");
  EXPECT_EQ(WindowName(1'700'006'400'000), "2023-11-15");
  for (int64_t ms = 0; ms <= chunk::kMaxTimestampMs; ms += 997 * chunk::kWindowMs) {
    ASSERT_EQ(WindowStartOfName(WindowName(ms)), ms);
  }
  for (const char* name : {"", "2023-11-15x", "2023-13-01", "2023-02-29", "2023-1-01", "20231115",
                           "2023-+1-01", "lost+found"}) {
    EXPECT_EQ(WindowStartOfName(name), -1) << name;
  }
}

}  // namespace
}  // namespace leadline::collector::store::engine
