#include "collector/store/log/writer.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/log/segment.h"
#include "tests/unit/collector/store/faulty_files.h"
#include "tests/unit/collector/store/temp_dir.h"

namespace leadline::collector::store::log {
namespace {

class WriterTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Writer::Open(files_, dir_.path(), 3);
    ASSERT_TRUE(opened.ok()) << opened.status();
    writer_ = *std::move(opened);
  }

  // The frames of a segment, which must not be torn.
  std::vector<std::string> Payloads(uint64_t segment) {
    const std::string path = dir_.File(SegmentName(segment));
    std::vector<std::string> payloads;
    const auto end =
        ReadSegment(*files_.Read(path), path, segment, /*is_last=*/false, [&](const Frame& frame) {
          payloads.emplace_back(frame.payload);
          return absl::OkStatus();
        });
    EXPECT_TRUE(end.ok()) << end.status();
    EXPECT_TRUE(end.ok() && end->damage.empty());
    return payloads;
  }

  TempDir dir_;
  FaultyFiles files_;
  std::unique_ptr<Writer> writer_;
};

using Strings = std::vector<std::string>;

TEST_F(WriterTest, CommitsAndRotates) {
  ASSERT_TRUE(writer_->Commit("a").ok());
  ASSERT_TRUE(writer_->Commit("b").ok());
  ASSERT_TRUE(writer_->Rotate().ok());
  ASSERT_TRUE(writer_->Commit("c").ok());
  EXPECT_EQ(writer_->segment(), 4u);
  EXPECT_EQ(Payloads(3), Strings({"a", "b"}));
  EXPECT_EQ(Payloads(4), Strings({"c"}));
}

TEST_F(WriterTest, AFullDiskLosesOnlyThatCommitWhereverItStrikes) {
  const size_t frame_bytes = kFrameHeaderBytes + 5;
  for (size_t room = 0; room < frame_bytes; ++room) {
    files_.FillDiskAfter(room);
    EXPECT_EQ(writer_->Commit("fails").code(), absl::StatusCode::kResourceExhausted);
    files_.HealWrites();
    ASSERT_TRUE(writer_->Commit("works").ok()) << room;
  }
  EXPECT_EQ(Payloads(3), Strings(frame_bytes, "works"));
}

TEST_F(WriterTest, AfterAFailedSyncNothingIsTaken) {
  ASSERT_TRUE(writer_->Commit("a").ok());
  files_.FailSyncs(true);
  EXPECT_FALSE(writer_->Commit("b").ok());
  files_.FailSyncs(false);
  EXPECT_FALSE(writer_->Commit("c").ok());
  EXPECT_FALSE(writer_->Rotate().ok());
  EXPECT_TRUE(writer_->broken());
}

TEST_F(WriterTest, APartialWriteThatCannotBeTakenBackStopsTheLog) {
  files_.FillDiskAfter(10);
  files_.FailTruncates(true);
  EXPECT_FALSE(writer_->Commit("a").ok());
  files_.HealWrites();
  files_.FailTruncates(false);
  EXPECT_FALSE(writer_->Commit("b").ok());
}

TEST_F(WriterTest, AFailedRotationGoesOnInTheSameSegment) {
  files_.FillDiskAfter(5);
  EXPECT_FALSE(writer_->Rotate().ok());
  EXPECT_TRUE(absl::IsNotFound(files_.Read(dir_.File(SegmentName(4))).status()));
  files_.HealWrites();
  ASSERT_TRUE(writer_->Commit("a").ok());
  EXPECT_EQ(writer_->segment(), 3u);
  ASSERT_TRUE(writer_->Rotate().ok());
  ASSERT_TRUE(writer_->Commit("b").ok());
  EXPECT_EQ(Payloads(3), Strings({"a"}));
  EXPECT_EQ(Payloads(4), Strings({"b"}));
}

}  // namespace
}  // namespace leadline::collector::store::log
