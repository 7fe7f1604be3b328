#include "agent/export/identity.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::agent {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class IdentityTest : public testing::Test {
 protected:
  IdentityTest() {
    std::string pattern = testing::TempDir() + "/identity-XXXXXX";
    root_ = mkdtemp(pattern.data());
    dir_ = root_ + "/state/agent";
  }
  ~IdentityTest() override { fs::remove_all(root_); }

  void WriteFile(const std::string& text) {
    fs::create_directories(dir_);
    std::ofstream(dir_ + "/identity") << text;
  }
  std::string ReadFile() {
    std::ostringstream text;
    text << std::ifstream(dir_ + "/identity").rdbuf();
    return text.str();
  }

  std::string root_;
  std::string dir_;
};

TEST_F(IdentityTest, IsMadeOnceAndItsEpochGrows) {
  Id128 id;
  {
    const auto first = Identity::Open(dir_);
    ASSERT_TRUE(first.ok()) << first.status();
    id = (*first)->agent_id();
    EXPECT_NE(id, Id128());
    EXPECT_EQ((*first)->epoch(), 1);
  }
  for (uint64_t epoch = 2; epoch <= 4; ++epoch) {
    const auto next = Identity::Open(dir_);
    ASSERT_TRUE(next.ok()) << next.status();
    EXPECT_EQ((*next)->agent_id(), id);
    EXPECT_EQ((*next)->epoch(), epoch);
  }
}

TEST_F(IdentityTest, ItsPlaceIsThatOfTheDirectoryNotOfACopy) {
  uint64_t place = 0;
  {
    const auto first = Identity::Open(dir_);
    ASSERT_TRUE(first.ok());
    place = (*first)->place();
    EXPECT_NE(place, 0);
  }
  fs::copy(dir_, root_ + "/copy");
  {
    const auto again = Identity::Open(dir_);
    ASSERT_TRUE(again.ok());
    EXPECT_EQ((*again)->place(), place);
  }
  const auto copy = Identity::Open(root_ + "/copy");
  ASSERT_TRUE(copy.ok());
  EXPECT_NE((*copy)->place(), place);
  EXPECT_NE((*copy)->place(), 0);
}

TEST_F(IdentityTest, ForOnceItIsNobodyElses) {
  const auto one = Identity::ForOnce();
  const auto other = Identity::ForOnce();
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_NE((*one)->agent_id(), (*other)->agent_id());
  EXPECT_EQ((*one)->epoch(), 1);
}

// The file of docs/format/agent-identity.md.
TEST_F(IdentityTest, TheFormatStays) {
  WriteFile("leadline-agent-identity 1\nid 00112233445566778899aabbccddeeff\nepoch 41\n");
  const auto identity = Identity::Open(dir_);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ((*identity)->agent_id(), (Id128{0x0011223344556677, 0x8899aabbccddeeff}));
  EXPECT_EQ((*identity)->epoch(), 42);
  EXPECT_EQ(ReadFile(),
            "leadline-agent-identity 1\nid 00112233445566778899aabbccddeeff\nepoch 42\n");
}

TEST_F(IdentityTest, TwoAgentsCannotShareIt) {
  const auto first = Identity::Open(dir_);
  ASSERT_TRUE(first.ok());
  const auto second = Identity::Open(dir_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(dir_ + " is in use"));
}

TEST_F(IdentityTest, AFailedWriteLeavesTheOldOne) {
  WriteFile("leadline-agent-identity 1\nid 00112233445566778899aabbccddeeff\nepoch 41\n");
  fs::create_directory(dir_ + "/identity.new");
  const auto identity = Identity::Open(dir_);
  EXPECT_FALSE(identity.ok());
  EXPECT_THAT(std::string(identity.status().message()), HasSubstr("cannot write " + dir_));
  EXPECT_THAT(ReadFile(), HasSubstr("epoch 41"));
}

TEST_F(IdentityTest, ADirectoryThatCannotBeMadeIsNamed) {
  std::ofstream(root_ + "/state") << "a file";
  const auto identity = Identity::Open(dir_);
  // Not FAILED_PRECONDITION, with which the agent would not start.
  EXPECT_EQ(identity.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(identity.status().message()), HasSubstr(dir_));
}

class DamagedIdentity : public IdentityTest, public testing::WithParamInterface<const char*> {};

TEST_P(DamagedIdentity, IsNeverReplacedSilently) {
  WriteFile(GetParam());
  const auto identity = Identity::Open(dir_);
  EXPECT_EQ(identity.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(identity.status().message()), HasSubstr(dir_ + "/identity"));
  EXPECT_EQ(ReadFile(), GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    Table, DamagedIdentity,
    testing::Values("", "leadline-agent-identity 1\n",
                    "leadline-agent-identity 2\nid 00112233445566778899aabbccddeeff\nepoch 41\n",
                    "leadline-agent-identity 1\nid 00112233445566778899aabbccddeef\nepoch 41\n",
                    "leadline-agent-identity 1\nid 00112233445566778899aabbccddeefg\nepoch 41\n",
                    "leadline-agent-identity 1\nid 00112233445566778899aabbccddeeff\nepoch 41",
                    "leadline-agent-identity 1\nid 00112233445566778899aabbccddeeff\nepoch 0\n",
                    "leadline-agent-identity 1\nid 00112233445566778899aabbccddeeff\nepoch -1\n",
                    "leadline-agent-identity 1\nid 00112233445566778899aabbccddeeff\nepoch 4 \n"));

}  // namespace
}  // namespace leadline::agent
