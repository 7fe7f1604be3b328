#include "agent/source/node/filesystems.h"

#include <future>

#include "absl/time/clock.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::agent::source {
namespace {

using testing::ElementsAre;

TEST(ParseMounts, TheNodesOwnOnce) {
  const Filesystems found = ParseMounts(
      "/dev/vda / ext4 rw,relatime 0 0\n"
      "/dev/vda / ext4 rw,relatime 0 0\n"
      "/dev/vdb /mnt/with\\040blank xfs ro 0 0\n"
      "proc /proc proc rw 0 0\n"
      "tmpfs /dev/shm tmpfs rw 0 0\n"
      "tmpfs /devices tmpfs rw 0 0\n"
      "tmpfs /var/lib/kubelet/pods/u/volumes/x tmpfs rw 0 0\n"
      "/dev/vdc /var/lib/kubelet/pods ext4 rw 0 0\n"
      "overlay /merged overlay rw 0 0\n"
      "short\n");
  EXPECT_THAT(found.mounted,
              ElementsAre(Filesystem{"/dev/vda", "/", "ext4", false},
                          Filesystem{"/dev/vdb", "/mnt/with blank", "xfs", true},
                          Filesystem{"tmpfs", "/devices", "tmpfs", false},
                          Filesystem{"/dev/vdc", "/var/lib/kubelet/pods", "ext4", false}));
  EXPECT_EQ(found.left_out, 0u);
}

TEST(ParseMounts, CountsWhatIsTooMany) {
  std::string text;
  for (size_t i = 0; i < kMaxFilesystems + 3; ++i) {
    text += "tmpfs /m" + std::to_string(i) + " tmpfs rw 0 0\n";
  }
  const Filesystems found = ParseMounts(text);
  EXPECT_EQ(found.mounted.size(), kMaxFilesystems);
  EXPECT_EQ(found.left_out, 3u);
}

TEST(FilesystemStat, AsksTheKernel) {
  FilesystemStat stat(absl::Seconds(60));
  const auto sizes = stat.Stat({"/", "/no/such/path"});
  ASSERT_TRUE(sizes[0]);
  EXPECT_GT(sizes[0]->size_bytes, 0);
  EXPECT_LE(sizes[0]->available_bytes, sizes[0]->free_bytes);
  EXPECT_FALSE(sizes[1]);
}

// The mount "hangs" answers when it is told to; the others at once.
TEST(FilesystemStat, AMountThatHangsHoldsUpNoOther) {
  std::promise<void> release;
  FilesystemStat stat(absl::Milliseconds(500),
                      [released = release.get_future().share()](const std::string& path) {
                        if (path == "hangs") released.wait();
                        return std::optional(FilesystemSize{.size_bytes = 1});
                      });
  for (int round = 0; round < 3; ++round) {
    const auto sizes = stat.Stat({"hangs", "works"});
    EXPECT_FALSE(sizes[0]);
    EXPECT_EQ(stat.hung(), 1u) << "it is asked once";
  }
  release.set_value();
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  bool works = false;
  while (!works && absl::Now() < deadline) {
    const auto sizes = stat.Stat({"hangs", "works"});
    works = sizes[0] && sizes[1];
  }
  EXPECT_TRUE(works) << "it is asked again when it has answered";
  EXPECT_EQ(stat.hung(), 0u);
}

}  // namespace
}  // namespace leadline::agent::source
