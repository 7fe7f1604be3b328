#include "cli/debug/dump.h"

#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include "agent/spool/spool.h"
#include "cli/debug/wire_text.h"
#include "collector/store/engine/open.h"
#include "collector/store/window/keys.h"
#include "collector/store/window/rocks.h"
#include "common/status_text.h"

namespace leadline::cli {
namespace {

using testing::HasSubstr;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

TEST(WireText, DefinitionsByName) {
  std::ostringstream out;
  WriteDefinitions(Parse<v1::Definitions>(R"(
    strings: "pod" strings: "web\n1" strings: "reads_total" strings: "call" strings: "read"
    entities { ref: 7 id: "\001\002" kind: ENTITY_KIND_POD labels: [1, 2] revision: 5
               valid_from_unix_ms: 1700000000123 }
    entities { ref: 8 kind: ENTITY_KIND_NODE labels: [1, 99] end_unix_ms: 1700000001000 }
    series { ref: 3 metric: 3 entity: 7 labels: [4, 5] })"),
                   out);
  EXPECT_EQ(out.str(),
            "definitions: 2 entities, 1 series\n"
            "  entity 7 ENTITY_KIND_POD 0102 {pod=\"web\\n1\"} kubernetes {} from "
            "2023-11-14T22:13:20.123Z revision 5\n"
            "  entity 8 ENTITY_KIND_NODE  {pod=\"?\"} kubernetes {} from 1970-01-01T00:00:00.000Z "
            "revision 0 ended 2023-11-14T22:13:21.000Z\n"
            "  series 3 reads_total{call=\"read\"} of entity 7\n");
}

TEST(WireText, SamplesByRef) {
  std::ostringstream out;
  WriteBatch(Parse<v1::Batch>(R"(
    sequence: 9 lost_batches: 2 lost_samples: 30
    frames { timestamp_unix_ms: 1700000000000
             integer_series: [3, 1] integers: [-5, 6] double_series: [1] doubles: [0.5]
             histograms { series: [2, 5] schema: [3, 3] sum: [1.5, 2] zero_count: [0, 1]
                          zero_threshold: [0, 0] bucket_count: [2, 1]
                          bucket_index: [4, 2, 1] bucket_value: [10, 20, 30] } })"),
             out);
  EXPECT_EQ(out.str(),
            "batch 9, behind 2 lost ones with 30 samples\n"
            "  frame 2023-11-14T22:13:20.000Z\n"
            "    3 = -5\n"
            "    4 = 6\n"
            "    1 = 0.5\n"
            "    2 = schema 3 sum 1.5 zeros 0 buckets 4:10 6:20\n"
            "    7 = schema 3 sum 2 zeros 1 buckets 1:30\n");
}

TEST(WireText, BrokenColumnsAreNamed) {
  std::ostringstream out;
  WriteBatch(Parse<v1::Batch>(R"(frames {
    integer_series: [3, 1] integers: [5]
    histograms { series: [2, 5] schema: [3] sum: [1] zero_count: [0] zero_threshold: [0]
                 bucket_count: [4000000000] bucket_index: [1] bucket_value: [2] } })"),
             out);
  EXPECT_THAT(out.str(), HasSubstr("integers: 2 series and 1 values"));
  EXPECT_THAT(out.str(), HasSubstr("histograms: 2 series, of which 1 are whole"));
}

class DumpTest : public testing::Test {
 protected:
  DumpTest()
      : dir_(std::filesystem::temp_directory_path() /
             (std::string("leadline-dump-") +
              testing::UnitTest::GetInstance()->current_test_info()->name() + "-" +
              std::to_string(getpid()))) {
    std::filesystem::create_directories(dir_);
  }
  ~DumpTest() override { std::filesystem::remove_all(dir_); }

  std::filesystem::path dir_;
};

TEST_F(DumpTest, ASpoolWithItsMessages) {
  auto opened = agent::spool::Spool::Open(
      {.dir = dir_.string(),
       .writer = {.agent_id = {.high = 1, .low = 2}, .epoch = 3, .instance = 4}});
  ASSERT_TRUE(opened.ok());
  const auto batch = Parse<v1::Batch>(
      "sequence: 1 frames { timestamp_unix_ms: 1700000000000 integer_series: 5 integers: 42 }");
  ASSERT_TRUE(opened->spool->BeginSegment(1, "").ok());
  ASSERT_TRUE(opened->spool->Append(1, 1, "", batch.SerializeAsString()).ok());

  std::ostringstream brief, whole;
  EXPECT_EQ(DumpSpool({.path = dir_.string()}, brief), absl::OkStatus());
  EXPECT_THAT(brief.str(),
              HasSubstr("segment 1 of agent 00000000000000010000000000000002 epoch 3 instance "
                        "0000000000000004"));
  EXPECT_THAT(brief.str(), HasSubstr("batch 1 of 1 samples"));
  EXPECT_THAT(brief.str(), testing::Not(HasSubstr("frame")));
  EXPECT_EQ(DumpSpool({.path = dir_.string(), .messages = true}, whole), absl::OkStatus());
  EXPECT_THAT(whole.str(), HasSubstr("  frame 2023-11-14T22:13:20.000Z\n    5 = 42\n"));
}

TEST_F(DumpTest, WhatIsWrongIsNamed) {
  std::ostringstream out;
  EXPECT_THAT(StatusMessage(DumpSpool({.path = dir_.string()}, out)),
              HasSubstr("no segments of a spool"));
  const std::string file = (dir_ / "file").string();
  std::ofstream(file) << "something else";
  EXPECT_THAT(StatusMessage(DumpSpool({.path = file}, out)),
              HasSubstr("file: at 0: no header of a segment"));
  EXPECT_THAT(StatusMessage(DumpRecording({.path = file}, out)),
              HasSubstr("file: it is no recording"));
  EXPECT_THAT(StatusMessage(DumpWire({.path = file}, out)), HasSubstr("file: it is no recording"));
  EXPECT_THAT(StatusMessage(DumpRecording({.path = file + "s"}, out)), HasSubstr("cannot be read"));
}

TEST_F(DumpTest, ARecordingTurnByTurn) {
  std::ostringstream out;
  EXPECT_EQ(DumpRecording({.path = LEADLINE_SOURCE_DIR "/tests/golden/recording/v1.llrec"}, out),
            absl::OkStatus());
  EXPECT_EQ(out.str(),
            "recording 00000000000000010000000000000002 begun 2023-11-14T22:13:20.000Z\n"
            "host one: 1 bytes\n"
            "host two: 1 bytes\n"
            "host one: 1 bytes\n"
            "probe rows: 7 bytes\n"
            "--- turn 1 ended 1970-01-01T00:00:01.000Z\n"
            "host one: 1 bytes\n"
            "probe rows: 10 bytes\n"
            "--- turn 2 ended 1970-01-01T00:00:02.000Z\n"
            "--- end\n");
}

class DumpStoreTest : public DumpTest {
 protected:
  DumpStoreTest() {
    Open();
    collector::model::EntityVersion version;
    version.id = HashId({"container"});
    version.labels = LabelSet({{"pod", "web-1"}});
    const std::vector<collector::model::SeriesDefinition> series = {
        {"reads_total", version.id, LabelSet({{"call", "read"}})},
        {"writes_total", version.id, {}},
        {"took_seconds", version.id, {}}};
    const auto handles = store_->Resolve("default", series);
    EXPECT_TRUE(handles.ok()) << handles.status();
    collector::store::WriteBatch batch;
    batch.writer = {HashId({"agent"}), 7};
    batch.sequence = 1;
    batch.entities = {version};
    batch.series = *handles;
    batch.floats = {{kTimeMs, {0, 1}, {5, 6}}};
    batch.histograms = {{kTimeMs, {2}, {{.count = 1, .positive = {{1, 1}}}}},
                        {kTimeMs + 1, {2}, {{.float_counts = true, .sum = 1}}}};
    std::promise<absl::Status> durable;
    store_->Append("default", std::move(batch),
                   [&](const absl::Status& status) { durable.set_value(status); });
    EXPECT_EQ(durable.get_future().get(), absl::OkStatus());
  }

  void Open() {
    auto opened = collector::store::engine::OpenStore({.dir = Dir()});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  std::string Dir() const { return (dir_ / "data").string(); }

  std::string Dump(const DumpFlags& flags, absl::StatusCode expected = absl::StatusCode::kOk) {
    std::ostringstream out;
    const absl::Status status = DumpStore(flags, out);
    EXPECT_EQ(status.code(), expected) << status;
    problem_ = StatusMessage(status);
    return out.str();
  }

  static constexpr int64_t kTimeMs = 1'700'000'000'000;  // 2023-11-14T22:13:20Z
  std::unique_ptr<collector::store::Store> store_;
  std::string problem_;
};

TEST_F(DumpStoreTest, TheLogWithItsRecords) {
  Dump({.path = Dir()}, absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(problem_, HasSubstr("in use by a collector"));
  store_.reset();
  const std::string text = Dump({.path = Dir()});
  EXPECT_THAT(text, HasSubstr("MANIFEST: log from segment 1"));
  EXPECT_THAT(text, HasSubstr("log/00000000000000000001.log: "));
  EXPECT_THAT(text, HasSubstr("definitions of tenant default: 3 series"));
  EXPECT_THAT(text,
              HasSubstr("reads_total{call=\"read\"} of entity " + HashId({"container"}).ToHex()));
  EXPECT_THAT(text, HasSubstr("batch 1 of agent " + HashId({"agent"}).ToHex() +
                              " epoch 7 of tenant default: 1 entities, 3 series, 2 floats, 2 "
                              "histograms, 1 with float counts\n"));
  EXPECT_THAT(text, HasSubstr("{pod=\"web-1\"}"));
  EXPECT_THAT(Dump({.path = Dir(), .series = "writes_total"}),
              testing::Not(HasSubstr("reads_total")));
}

TEST_F(DumpStoreTest, WindowsWithTheirRowsOrTheirSizes) {
  ASSERT_EQ(store_->Flush(), absl::OkStatus());
  store_.reset();
  const std::string text = Dump({.path = Dir(), .window = "2023-11-14"});
  EXPECT_THAT(text, HasSubstr("window raw/2023-11-14: "));
  EXPECT_THAT(text, HasSubstr("  metric 0 of tenant default: reads_total\n"));
  EXPECT_THAT(text, HasSubstr("reads_total{call=\"read\"} of entity "));
  EXPECT_THAT(text, HasSubstr("from 2023-11-14T22:13:20.000Z to 2023-11-14T22:13:20.000Z in "));
  EXPECT_THAT(text, testing::Not(HasSubstr("frame of")));
  Dump({.path = Dir(), .window = "2023-11-15"}, absl::StatusCode::kNotFound);
  EXPECT_THAT(problem_, HasSubstr("no window 2023-11-15"));
  const std::string sizes = Dump({.path = Dir(), .statistics = true});
  EXPECT_THAT(sizes, HasSubstr("table series: 1 rows, "));
  EXPECT_THAT(sizes, HasSubstr("metric writes_total: 1 rows, "));
  EXPECT_THAT(sizes, HasSubstr("encoder floats of mode "));
  EXPECT_THAT(sizes, HasSubstr("encoder histograms with float counts: 1 rows, "));
}

TEST_F(DumpStoreTest, AWindowOfAnotherVersionIsNotGuessedAt) {
  ASSERT_EQ(store_->Flush(), absl::OkStatus());
  store_.reset();
  {
    namespace window = collector::store::window;
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(window::WindowOptions({}, false),
                                  Dir() + "/windows/raw/2023-11-14", &opened)
                    .ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    const std::string newer(1, static_cast<char>(window::kWindowVersion + 1));
    ASSERT_TRUE(db->Put(window::WithoutLog(), window::FormatKey(), newer).ok());
    ASSERT_TRUE(db->Flush({}).ok());
  }
  Dump({.path = Dir()}, absl::StatusCode::kUnimplemented);
  EXPECT_THAT(problem_, HasSubstr("windows/raw/2023-11-14: format "));
}

TEST_F(DumpStoreTest, WhereNobodyCanWrite) {
  ASSERT_EQ(store_->Flush(), absl::OkStatus());
  store_.reset();
  const std::string mounted = Dir();
  if (mount(mounted.c_str(), mounted.c_str(), "none", MS_BIND, nullptr) != 0) {
    GTEST_SKIP() << "only root may mount a file system";
  }
  EXPECT_EQ(mount("none", mounted.c_str(), "none", MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr), 0);
  const std::string text = Dump({.path = mounted});
  EXPECT_EQ(umount2(mounted.c_str(), MNT_DETACH), 0);
  EXPECT_THAT(text, HasSubstr("window raw/2023-11-14: "));
  EXPECT_THAT(text, HasSubstr("  metric 0 of tenant default: reads_total\n"));
}

TEST_F(DumpStoreTest, DamageIsNamed) {
  store_.reset();
  const std::string segment = Dir() + "/log/00000000000000000001.log";
  // The first frame's payload; a whole frame follows, when there is one.
  std::fstream file(segment, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(0);
  file.put('x');
  file.close();
  Dump({.path = Dir()}, absl::StatusCode::kDataLoss);
  EXPECT_THAT(problem_, HasSubstr(segment));
  std::ofstream(Dir() + "/MANIFEST") << "something else";
  EXPECT_THAT(Dump({.path = Dir()}, absl::StatusCode::kDataLoss),
              HasSubstr("/MANIFEST.copy: log from segment 1"));
  EXPECT_THAT(problem_, HasSubstr(Dir() + "/MANIFEST: manifest: bad first line"));
  std::ofstream(Dir() + "/MANIFEST.copy") << "something else";
  Dump({.path = Dir()}, absl::StatusCode::kDataLoss);
  EXPECT_THAT(problem_, HasSubstr(Dir() + "/MANIFEST: manifest: bad first line"));
  Dump({.path = (dir_ / "nothing").string()}, absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace leadline::cli
