#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/source/node/parsers.h"
#include "tests/unit/agent/source/node/figures.h"

namespace leadline::agent::source {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kMirror[] = R"(Personalities : [raid1] [raid6] [raid5] [raid4]
md0 : active raid1 vdb[1] vda[0]
      1046528 blocks super 1.2 [2/2] [UU]
      
unused devices: <none>
)";

TEST(Mdstat, TheFiguresOfAnArray) {
  EXPECT_THAT(
      Figures(ParseMdstat, kMirror),
      ElementsAre(
          "node_md_state{device=md0,state=active} 1", "node_md_state{device=md0,state=check} 0",
          "node_md_state{device=md0,state=inactive} 0",
          "node_md_state{device=md0,state=recovering} 0",
          "node_md_state{device=md0,state=resync} 0", "node_md_disks_required{device=md0} 2",
          "node_md_disks{device=md0,state=active} 2", "node_md_disks{device=md0,state=failed} 0",
          "node_md_disks{device=md0,state=spare} 0", "node_md_blocks{device=md0} 1046528",
          "node_md_blocks_synced{device=md0} 1046528"));
}

struct ArrayCase {
  std::string name;
  std::string text;
  std::vector<std::string> want;  // of Summary
  std::string malformed;          // in the message, if any line is
};

// Each array as "device state disks_required=R active=A failed=F spare=S blocks=B blocks_synced=Y",
// without what has no figure.
std::vector<std::string> Summary(std::string_view text, absl::Status& status) {
  constexpr std::string_view kPrefix = "node_md_";
  std::vector<std::string> arrays;
  std::string last;
  status = ParseMdstat(
      text, [&](std::string_view metric, absl::Span<const FigureLabel> labels, double value) {
        if (last != labels[0].value) arrays.push_back(last = labels[0].value);
        const bool by_state = labels.size() > 1;
        if (metric != "node_md_state") {
          arrays.back() += fmt::format(
              " {}={}", by_state ? labels[1].value : metric.substr(kPrefix.size()), value);
        } else if (value == 1) {
          arrays.back() += fmt::format(" {}", labels[1].value);
        }
      });
  return arrays;
}

class MdstatTest : public testing::TestWithParam<ArrayCase> {};

TEST_P(MdstatTest, HandsOnWhatTheTextHas) {
  absl::Status status;
  EXPECT_EQ(Summary(GetParam().text, status), GetParam().want);
  EXPECT_EQ(status.ok(), GetParam().malformed.empty()) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().malformed));
}

// An array's lines, as the kernel writes them.
std::string Array(std::string_view members, std::string_view size,
                  std::initializer_list<std::string_view> others = {}) {
  std::string text = fmt::format("{}\n      {}\n", members, size);
  for (const std::string_view line : others) text += fmt::format("      {}\n", line);
  return text + "      \n";
}

constexpr char kRaid5[] = "md1 : active raid5 vdc[3] vdb[1] vda[0]";
constexpr char kRaid5Size[] =
    "4188160 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [UU_]";
constexpr char kBitmap[] = "bitmap: 2/5 pages [8KB], 65536KB chunk, file: /var/resync";

std::string Raid5(std::string_view sync) { return Array(kRaid5, kRaid5Size, {sync, kBitmap}); }

INSTANTIATE_TEST_SUITE_P(
    Arrays, MdstatTest,
    testing::Values(
        ArrayCase{"none", "Personalities : \nunused devices: <none>\n", {}},
        ArrayCase{"no_text", "", {}},
        ArrayCase{"raid5_degraded",
                  Array("md1 : active (auto-read-only) raid5 vdd[4](S) vdc[3](F) vdb[1](W) vda[0]",
                        kRaid5Size, {kBitmap}),
                  {"md1 active disks_required=3 active=2 failed=1 spare=1 blocks=4188160 "
                   "blocks_synced=4188160"}},
        ArrayCase{"recovery",
                  Raid5("[==>..................]  recovery = 12.6% (264208/2094080) "
                        "finish=0.9min speed=33026K/sec"),
                  {"md1 recovering disks_required=3 active=2 failed=0 spare=0 "
                   "blocks=4188160 blocks_synced=264208"}},
        ArrayCase{"check",
                  Raid5("[====================>]  check =100.0% (2094080/2094080) "
                        "finish=0.0min speed=33026K/sec"),
                  {"md1 check disks_required=3 active=2 failed=0 spare=0 "
                   "blocks=4188160 blocks_synced=2094080"}},
        ArrayCase{"reshape",
                  Raid5("[>....................]  reshape =  0.5% (10470/2094080) "
                        "finish=0.9min speed=33026K/sec"),
                  {"md1 active disks_required=3 active=2 failed=0 spare=0 "
                   "blocks=4188160 blocks_synced=10470"}},
        ArrayCase{"delayed",
                  Raid5("\tresync=DELAYED"),
                  {"md1 resync disks_required=3 active=2 failed=0 spare=0 "
                   "blocks=4188160 blocks_synced=0"}},
        ArrayCase{"pending",
                  Raid5("\tresync=PENDING"),
                  {"md1 resync disks_required=3 active=2 failed=0 spare=0 "
                   "blocks=4188160 blocks_synced=0"}},
        ArrayCase{"by_another_machine",
                  Raid5("\trecover=REMOTE"),
                  {"md1 recovering disks_required=3 active=2 failed=0 spare=0 "
                   "blocks=4188160"}},
        ArrayCase{
            "without_redundancy",
            Array("md2 : active raid0 vdb[1] vda[0]", "2093056 blocks super 1.2 512k chunks") +
                Array("md3 : active linear vdb[1] vda[0]", "2095104 blocks 64k rounding"),
            {"md2 active disks_required=2 active=2 failed=0 spare=0 "
             "blocks=2093056 blocks_synced=2093056",
             "md3 active disks_required=2 active=2 failed=0 spare=0 "
             "blocks=2095104 blocks_synced=2095104"}},
        ArrayCase{"raid10",
                  Array("md4 : active raid10 vdd[3] vdc[2] vdb[1] vda[0]",
                        "2093056 blocks super 1.2 512K chunks 2 near-copies [4/4] [UUUU]"),
                  {"md4 active disks_required=4 active=4 failed=0 spare=0 "
                   "blocks=2093056 blocks_synced=2093056"}},
        ArrayCase{"external_metadata",
                  Array("md127 : inactive vdb[1](S) vda[0](S)", "6306 blocks super external:imsm") +
                      Array("md126 : active raid1 vda[1] vdb[0]",
                            "1046528 blocks super external:/md127/0 [2/2] [UU]"),
                  {"md127 inactive disks_required=0 active=0 failed=0 spare=2 "
                   "blocks=6306 blocks_synced=6306",
                   "md126 active disks_required=2 active=2 failed=0 spare=0 "
                   "blocks=1046528 blocks_synced=1046528"}},
        ArrayCase{"inactive_without_disks",
                  "md5 : inactive super non-persistent\n       \n",
                  {"md5 inactive disks_required=0 active=0 failed=0 spare=0"}},
        ArrayCase{
            "a_state_that_has_no_figure",
            Array("md6 : broken raid1 vdb[1](F) vda[0](F)", "1046528 blocks super 1.2 [2/0] [__]"),
            {"md6 disks_required=2 active=0 failed=2 spare=0 blocks=1046528 "
             "blocks_synced=1046528"}},
        ArrayCase{"a_text_that_is_cut",
                  std::string(kMirror).substr(0, std::string(kMirror).find(" [2/2]")),
                  {},
                  "1046528 blocks"},
        ArrayCase{"no_size", "md0 : active raid1 vdb[1] vda[0]\n", {}, "md0 : active raid1"},
        ArrayCase{"no_number_of_blocks",
                  Array("md0 : active raid1 vda[0]", "many blocks [1/1] [U]") + kMirror,
                  {"md0 active disks_required=2 active=2 failed=0 spare=0 "
                   "blocks=1046528 blocks_synced=1046528"},
                  "many blocks"},
        ArrayCase{"no_counts",
                  Array("md0 : active raid1 vda[0]", "8 blocks [2/] [/2] [2] 2/2 [UU]"),
                  {},
                  "[2/]"},
        ArrayCase{
            "no_colon", Array("md0 active raid1 vda[0]", "8 blocks [1/1] [U]"), {}, "md0 active"},
        ArrayCase{"no_progress",
                  Raid5("[>....................]  recovery = 0.5% finish=0.9min"),
                  {"md1 recovering disks_required=3 active=2 failed=0 spare=0 "
                   "blocks=4188160"},
                  "recovery = 0.5%"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace leadline::agent::source
