// Every transcript of tests/golden/protocols gives its records, and none of them tells a secret.
// With LEADLINE_REWRITE_GOLDENS=1 the records that came are written down instead: read the change
// before it is kept.
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fmt/ranges.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/protocols/protocol_table.h"
#include "tests/protocols/replay.h"
#include "tests/protocols/transcript.h"

namespace leadline::tests::protocols {
namespace {

using agent::protocols::ProtocolRow;
using agent::protocols::ProtocolTable;

// What transcripts have wherever something is that must not leave the node.
constexpr const char* kSecret = "s3cr3t";

std::vector<Transcript> AllTranscripts() {
  std::vector<Transcript> all;
  for (const ProtocolRow& row : ProtocolTable()) {
    std::vector<Transcript> of_row = LoadTranscripts(base::ProtocolKey(row.protocol));
    all.insert(all.end(), std::make_move_iterator(of_row.begin()),
               std::make_move_iterator(of_row.end()));
  }
  return all;
}

std::string TestName(const testing::TestParamInfo<Transcript>& info) {
  const std::filesystem::path path(info.param.name);
  std::string name = path.parent_path().filename().string() + "_" + path.stem().string();
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

class GoldenTest : public testing::TestWithParam<Transcript> {};

TEST_P(GoldenTest, GivesItsRecords) {
  const Transcript& golden = GetParam();
  const std::vector<std::string> lines = Replay(golden).lines();
  if (std::getenv("LEADLINE_REWRITE_GOLDENS") != nullptr) {
    std::ofstream(golden.name) << golden.text << "records\n"
                               << fmt::format("{}", fmt::join(lines, "\n"))
                               << (lines.empty() ? "" : "\n");
    return;
  }
  EXPECT_THAT(lines, testing::ElementsAreArray(golden.records));
}

TEST_P(GoldenTest, TellsNoSecret) {
  for (const std::string& line : Replay(GetParam()).lines()) {
    std::string lower = line;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_THAT(lower, testing::Not(testing::HasSubstr(kSecret)));
  }
}

TEST_P(GoldenTest, IsOfItsProtocol) {
  const std::filesystem::path path(GetParam().name);
  if (path.filename().string().starts_with("not_")) return;
  EXPECT_EQ(base::ProtocolKey(Replay(GetParam()).protocol), path.parent_path().filename());
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTest, testing::ValuesIn(AllTranscripts()), TestName);

TEST(GoldensTest, EveryProtocolHasSomeAndPlantsSecrets) {
  for (const ProtocolRow& row : ProtocolTable()) {
    const std::string_view key = base::ProtocolKey(row.protocol);
    const std::vector<Transcript> transcripts = LoadTranscripts(key);
    EXPECT_GE(transcripts.size(), 5u) << key;
    size_t secrets = 0;
    size_t records = 0;
    for (const Transcript& transcript : transcripts) {
      records += transcript.records.size();
      for (const Event& event : transcript.events) {
        for (size_t at = 0; (at = event.bytes.find(kSecret, at)) != std::string::npos; ++at) {
          ++secrets;
        }
      }
    }
    EXPECT_GE(records, 10u) << key;
    EXPECT_GE(secrets, 5u) << key;
  }
}

}  // namespace
}  // namespace leadline::tests::protocols
