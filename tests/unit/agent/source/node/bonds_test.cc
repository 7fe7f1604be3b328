#include "agent/source/node/bonds.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/source/node/figures.h"

namespace leadline::agent::source {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A folder as /sys/class/net.
class BondsTest : public testing::Test {
 protected:
  BondsTest()
      : root_(std::filesystem::temp_directory_path() /
              ("leadline-bonds-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(root_);
  }
  ~BondsTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  void WriteState(const std::string& slave, const std::string& state) const {
    Write(slave + "/bonding_slave/mii_status", state + "\n");
  }

  // Of a round.
  std::vector<std::string> Read() {
    const auto read = [this](std::string_view folder, FigureSink sink) {
      ReadBonds(std::string(folder), files_, sink);
      return absl::OkStatus();
    };
    std::vector<std::string> figures = Figures(read, root_.native());
    files_.EndRound();
    return figures;
  }

  std::filesystem::path root_;
  OpenFiles files_{100};
};

TEST_F(BondsTest, CountsTheSlavesOfEachBondAndThoseThatAreUp) {
  Write("bonding_masters", "bond0 bond1 bond2\n");
  Write("bond0/bonding/slaves", "eth0 eth1 eth2 eth3\n");
  WriteState("eth0", "up");
  WriteState("eth1", "down");
  WriteState("eth2", "going down");
  WriteState("eth3", "going back");
  Write("bond1/bonding/slaves", "eth4\n");
  WriteState("eth4", "up");
  Write("bond2/bonding/slaves", "\n");
  EXPECT_THAT(
      Read(),
      ElementsAre("node_bonding_slaves{master=bond0} 4", "node_bonding_active{master=bond0} 1",
                  "node_bonding_slaves{master=bond1} 1", "node_bonding_active{master=bond1} 1",
                  "node_bonding_slaves{master=bond2} 0", "node_bonding_active{master=bond2} 0"));
  WriteState("eth4", "down");
  EXPECT_THAT(Read(), testing::Contains("node_bonding_active{master=bond1} 0"));
}

TEST_F(BondsTest, ThereAreNoFiguresWithoutBonds) {
  EXPECT_THAT(Read(), IsEmpty()) << "no module";
  Write("bonding_masters", "\n");
  files_.EndRound();  // what was not there is looked for in every second round
  EXPECT_THAT(Read(), IsEmpty()) << "no bond";
}

TEST_F(BondsTest, ABondOfASlaveThatIsLeavingHasNoFigures) {
  Write("bonding_masters", "bond0 bond1 gone\n");
  Write("bond0/bonding/slaves", "eth0 left\n");
  WriteState("eth0", "up");
  Write("bond1/bonding/slaves", "eth0\n");
  EXPECT_THAT(Read(), ElementsAre("node_bonding_slaves{master=bond1} 1",
                                  "node_bonding_active{master=bond1} 1"));
}

}  // namespace
}  // namespace leadline::agent::source
