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
    auto opened = Writer::Open(files_, dir_.path(), 3, 99);
    ASSERT_TRUE(opened.ok()) << opened.status();
    writer_ = *std::move(opened);
  }

  // The frames of a segment that count, of which none may be torn.
  std::vector<std::string> Payloads(uint64_t segment, uint64_t bytes = UINT64_MAX) {
    const std::string path = dir_.File(SegmentName(segment));
    const std::string contents = files_.Read(path)->substr(0, bytes);
    std::vector<std::string> payloads;
    const auto end =
        ReadSegment(contents, path, segment, /*is_last=*/false, [&](const Frame& frame) {
          EXPECT_EQ(frame.run, 3u);
          payloads.emplace_back(frame.payload);
          return absl::OkStatus();
        });
    EXPECT_TRUE(end.ok()) << end.status();
    EXPECT_TRUE(end.ok() && end->damage.empty());
    if (end.ok()) previous_bytes_ = end->previous_bytes;
    return payloads;
  }

  uint64_t previous_bytes_ = 0;  // that the segment read last tells

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

TEST_F(WriterTest, AfterAFailedSyncItGoesOnInANewSegment) {
  ASSERT_TRUE(writer_->Commit("a").ok());
  files_.FailSyncs(true);
  EXPECT_FALSE(writer_->Commit("b").ok());
  EXPECT_TRUE(writer_->broken());
  EXPECT_FALSE(writer_->Commit("c").ok());  // the new segment cannot be synced either
  EXPECT_EQ(writer_->segment(), 3u);
  files_.FailSyncs(false);
  ASSERT_TRUE(writer_->Commit("d").ok());
  EXPECT_FALSE(writer_->broken());
  EXPECT_EQ(Payloads(4), Strings({"d"}));
  EXPECT_EQ(Payloads(3, previous_bytes_), Strings({"a"}));
  EXPECT_EQ(previous_bytes_, 99u);
}

TEST_F(WriterTest, APartialWriteThatCannotBeTakenBackDoesNotCount) {
  ASSERT_TRUE(writer_->Commit("a").ok());
  files_.FillDiskAfter(10);
  files_.FailTruncates(true);
  EXPECT_FALSE(writer_->Commit("b").ok());
  EXPECT_TRUE(writer_->broken());
  files_.HealWrites();
  files_.FailTruncates(false);
  ASSERT_TRUE(writer_->Commit("c").ok());
  EXPECT_EQ(Payloads(4), Strings({"c"}));
  EXPECT_EQ(Payloads(3, previous_bytes_), Strings({"a"}));
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
