#include "agent/meta/cgroup_path.h"

#include <iterator>
#include <ostream>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/meta/sample_ids.h"

namespace leadline::agent::meta {
namespace {

const std::string kUidUnderscored = "8a3f1c52_0d6e_4b7a_9c11_5e2f7d9b0a64";
const std::string kOuterUid = "11111111-2222-3333-4444-555555555555";
const std::string kStaticUid = "0123456789abcdef0123456789abcdef";
const std::string kInner(64, 'b');

struct Case {
  const char* name;
  std::string path;
  CgroupKind kind;
  std::string pod_uid;
  std::string container_id;
  QosClass qos = QosClass::kUnknown;
  ContainerRuntime runtime = ContainerRuntime::kUnknown;
  std::string own;  // the container's or pod's own cgroup; "" where it is the whole path
  std::string pod_path;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.path; }

class ParsesCgroupPath : public testing::TestWithParam<Case> {};

TEST_P(ParsesCgroupPath, AsTheKubeletAndTheRuntimesMakeThem) {
  const Case& expected = GetParam();
  const CgroupPath parsed = ParseCgroupPath(expected.path);
  EXPECT_EQ(parsed.kind, expected.kind);
  EXPECT_EQ(parsed.pod_uid, expected.pod_uid);
  EXPECT_EQ(parsed.container_id, expected.container_id);
  EXPECT_EQ(parsed.qos, expected.qos);
  EXPECT_EQ(parsed.runtime, expected.runtime);
  if (expected.kind == CgroupKind::kOther) {
    EXPECT_EQ(parsed.own_length, 0u);
  } else {
    EXPECT_EQ(expected.path.substr(0, parsed.own_length),
              expected.own.empty() ? expected.path : expected.own);
  }
  if (!expected.pod_path.empty()) {
    EXPECT_EQ(expected.path.substr(0, parsed.pod_length), expected.pod_path);
  }
}

constexpr auto kOther = CgroupKind::kOther;
constexpr auto kPod = CgroupKind::kPod;
constexpr auto kContainer = CgroupKind::kContainer;
using Q = QosClass;
using R = ContainerRuntime;

INSTANTIATE_TEST_SUITE_P(
    Cgroupfs, ParsesCgroupPath,
    testing::Values(
        Case{"Burstable", fmt::format("/kubepods/burstable/pod{}/{}", kUid, kId), kContainer, kUid,
             kId, Q::kBurstable, R::kUnknown, "", fmt::format("/kubepods/burstable/pod{}", kUid)},
        Case{"BestEffort", fmt::format("/kubepods/besteffort/pod{}/{}", kUid, kId), kContainer,
             kUid, kId, Q::kBestEffort},
        Case{"Guaranteed", fmt::format("/kubepods/pod{}/{}", kUid, kId), kContainer, kUid, kId,
             Q::kGuaranteed},
        Case{"StaticPod", fmt::format("/kubepods/burstable/pod{}/{}", kStaticUid, kId), kContainer,
             kStaticUid, kId, Q::kBurstable},
        Case{"IdOfOnesOwn", fmt::format("/kubepods/burstable/pod{}/web-1_a", kUid), kContainer,
             kUid, "web-1_a", Q::kBurstable},
        Case{"Crio", fmt::format("/kubepods/burstable/pod{}/crio-{}", kUid, kId), kContainer, kUid,
             kId, Q::kBurstable, R::kCrio},
        Case{"CrioMonitor", fmt::format("/kubepods/burstable/pod{}/crio-conmon-{}", kUid, kId),
             kPod, kUid, "", Q::kBurstable, R::kUnknown,
             fmt::format("/kubepods/burstable/pod{}", kUid)},
        Case{"Pod", fmt::format("/kubepods/burstable/pod{}", kUid), kPod, kUid, "", Q::kBurstable},
        Case{"NestedByCrun", fmt::format("/kubepods/pod{}/{}/container", kUid, kId), kContainer,
             kUid, kId, Q::kGuaranteed, R::kUnknown, fmt::format("/kubepods/pod{}/{}", kUid, kId)},
        Case{"NestedDeeply", fmt::format("/kubepods/pod{}/{}/system.slice/cron.service", kUid, kId),
             kContainer, kUid, kId, Q::kGuaranteed, R::kUnknown,
             fmt::format("/kubepods/pod{}/{}", kUid, kId)},
        Case{"DockerInAPod", fmt::format("/kubepods/pod{}/{}/docker/{}", kUid, kId, kInner),
             kContainer, kUid, kInner, Q::kGuaranteed, R::kDocker, "",
             fmt::format("/kubepods/pod{}", kUid)},
        Case{"KubeletInDocker",
             fmt::format("/docker/{}/kubelet/kubepods/burstable/pod{}/{}", kInner, kUid, kId),
             kContainer, kUid, kId, Q::kBurstable, R::kUnknown},
        Case{"PodOfAKubeletInDocker",
             fmt::format("/docker/{}/kubelet/kubepods/burstable/pod{}", kInner, kUid), kPod, kUid,
             "", Q::kBurstable},
        Case{"KubeletInDockerItself", fmt::format("/docker/{}/kubelet/kubepods", kInner),
             kContainer, "", kInner, Q::kUnknown, R::kDocker, fmt::format("/docker/{}", kInner)},
        Case{"KubeletInAPod",
             fmt::format("/kubepods/pod{}/{}/kubelet/kubepods/besteffort/pod{}/{}", kOuterUid,
                         kInner, kUid, kId),
             kContainer, kUid, kId, Q::kBestEffort}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Systemd, ParsesCgroupPath,
    testing::Values(
        Case{"Containerd",
             fmt::format("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{}.slice/"
                         "cri-containerd-{}.scope",
                         kUidUnderscored, kId),
             kContainer, kUid, kId, Q::kBurstable, R::kContainerd},
        Case{
            "Crio",
            fmt::format("/kubepods.slice/kubepods-pod{}.slice/crio-{}.scope", kUidUnderscored, kId),
            kContainer, kUid, kId, Q::kGuaranteed, R::kCrio, "",
            fmt::format("/kubepods.slice/kubepods-pod{}.slice", kUidUnderscored)},
        Case{"CrioMonitor",
             fmt::format("/kubepods.slice/kubepods-pod{}.slice/crio-conmon-{}.scope",
                         kUidUnderscored, kId),
             kPod, kUid, "", Q::kGuaranteed, R::kUnknown,
             fmt::format("/kubepods.slice/kubepods-pod{}.slice", kUidUnderscored)},
        Case{"Docker",
             fmt::format("/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{}.slice"
                         "/docker-{}.scope",
                         kUidUnderscored, kId),
             kContainer, kUid, kId, Q::kBestEffort, R::kDocker},
        Case{"StaticPod",
             fmt::format("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{}.slice/"
                         "cri-containerd-{}.scope",
                         kStaticUid, kId),
             kContainer, kStaticUid, kId, Q::kBurstable, R::kContainerd},
        Case{"Kind",
             fmt::format("/docker/{}/kubelet.slice/kubelet-kubepods.slice/"
                         "kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod{}.slice/"
                         "cri-containerd-{}.scope",
                         kInner, kUidUnderscored, kId),
             kContainer, kUid, kId, Q::kBurstable, R::kContainerd},
        Case{"CrunNests",
             fmt::format("/kubepods.slice/kubepods-pod{}.slice/crio-{}.scope/container",
                         kUidUnderscored, kId),
             kContainer, kUid, kId, Q::kGuaranteed, R::kCrio,
             fmt::format("/kubepods.slice/kubepods-pod{}.slice/crio-{}.scope", kUidUnderscored,
                         kId)},
        Case{"LiteralOfRunc",
             fmt::format("/kubepods-burstable-pod{}.slice:cri-containerd:{}", kUidUnderscored, kId),
             kContainer, kUid, kId, Q::kBurstable, R::kContainerd},
        Case{"LiteralNested",
             fmt::format("/system.slice/kubepods-besteffort-pod{}.slice:crio:{}/init",
                         kUidUnderscored, kId),
             kContainer, kUid, kId, Q::kBestEffort, R::kCrio,
             fmt::format("/system.slice/kubepods-besteffort-pod{}.slice:crio:{}", kUidUnderscored,
                         kId)},
        Case{"LiteralWithoutPod", fmt::format("/system.slice:docker:{}", kId), kContainer, "", kId,
             Q::kUnknown, R::kDocker},
        Case{"Pod", fmt::format("/kubepods.slice/kubepods-pod{}.slice", kUidUnderscored), kPod,
             kUid, "", Q::kGuaranteed}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    OutsideOfKubernetes, ParsesCgroupPath,
    testing::Values(
        Case{"Docker", fmt::format("/docker/{}", kId), kContainer, "", kId, Q::kUnknown,
             R::kDocker},
        Case{"DockerScope", fmt::format("/system.slice/docker-{}.scope", kId), kContainer, "", kId,
             Q::kUnknown, R::kDocker},
        Case{"Podman", fmt::format("/machine.slice/libpod-{}.scope", kId), kContainer, "", kId,
             Q::kUnknown, R::kPodman},
        Case{"PodmanNested", fmt::format("/machine.slice/libpod-{}.scope/container", kId),
             kContainer, "", kId, Q::kUnknown, R::kPodman,
             fmt::format("/machine.slice/libpod-{}.scope", kId)},
        Case{"PodmanPod",
             fmt::format("/machine.slice/machine-libpod_pod_{}.slice/libpod-{}.scope", kInner, kId),
             kContainer, "", kId, Q::kUnknown, R::kPodman},
        Case{"PodmanCgroupfs", fmt::format("/libpod_parent/libpod-{}", kId), kContainer, "", kId,
             Q::kUnknown, R::kPodman},
        Case{"PodmanMonitor", fmt::format("/machine.slice/libpod-conmon-{}.scope", kId), kOther, "",
             ""},
        Case{"PodmanRootless",
             fmt::format("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{}.scope",
                         kId),
             kContainer, "", kId, Q::kUnknown, R::kPodman},
        Case{"ContainerdNamespace", "/default/redis", kContainer, "", "redis", Q::kUnknown,
             R::kContainerd},
        Case{"ContainerdOfKubernetes", fmt::format("/k8s.io/{}", kId), kContainer, "", kId,
             Q::kUnknown, R::kContainerd},
        Case{"FullIdAnywhere", fmt::format("/some/where/{}", kId), kContainer, "", kId}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    NoContainer, ParsesCgroupPath,
    testing::Values(
        Case{"Root", "/", kOther, "", ""}, Case{"Empty", "", kOther, "", ""},
        Case{"Unit", "/system.slice/ssh.service", kOther, "", ""},
        Case{"Kubepods", "/kubepods/burstable", kOther, "", ""},
        Case{"KubepodsSlice", "/kubepods.slice/kubepods-burstable.slice", kOther, "", ""},
        Case{"DockerItself", "/docker", kOther, "", ""},
        Case{"DockerBuildkit", "/docker/buildkit", kOther, "", ""},
        Case{"DefaultDeeper", "/user/default/redis", kOther, "", ""},
        Case{"DefaultUnit", "/default/foo.service", kOther, "", ""},
        Case{"ShortUid", "/kubepods/pod8a3f1c52/abc", kOther, "", ""},
        Case{"UidNotHexadecimal", "/kubepods/podzzzzzzzz-0d6e-4b7a-9c11-5e2f7d9b0a64/abc", kOther,
             "", ""},
        Case{"UidWithMisplacedDash", "/kubepods/pod8a3f1c5-20d6e-4b7a-9c11-5e2f7d9b0a64", kOther,
             "", ""},
        Case{"NotQuiteKubepods", fmt::format("/xkubepods-pod{}.slice", kUidUnderscored), kOther, "",
             ""},
        Case{"EmptyId", "/system.slice/docker-.scope", kOther, "", ""},
        Case{"UpperCaseId", fmt::format("/docker/{}", std::string(64, 'A')), kOther, "", ""},
        Case{"Colons", ":::/::", kOther, "", ""},
        Case{"UnknownLiteral", fmt::format("/a.slice:b:{}", kId), kOther, "", ""},
        Case{"UnitBelowAPodIsNoContainer", fmt::format("/kubepods/pod{}/init.scope", kUid), kPod,
             kUid, "", Q::kGuaranteed, R::kUnknown, fmt::format("/kubepods/pod{}", kUid)},
        Case{"TooLong", fmt::format("/{}/{}", std::string(kMaxCgroupPathBytes, 'x'), kId), kOther,
             "", ""}),
    [](const auto& test) { return test.param.name; });

struct Nesting {
  const char* name;
  std::string path;
  std::string outer;  // the container whose figures count those of this one
  std::string host;   // the container that is the node
  bool host_in_pod = false;
};

void PrintTo(const Nesting& one, std::ostream* out) { *out << one.path; }

class TellsNestedContainers : public testing::TestWithParam<Nesting> {};

TEST_P(TellsNestedContainers, ByTheOutermostOfThePodAndByTheNode) {
  const Nesting& expected = GetParam();
  const CgroupPath parsed = ParseCgroupPath(expected.path);
  EXPECT_EQ(expected.path.substr(0, parsed.outer_length), expected.outer);
  EXPECT_EQ(expected.path.substr(0, parsed.host_length), expected.host);
  EXPECT_EQ(parsed.host_in_pod, expected.host_in_pod);
}

const std::string kInPod = fmt::format("/kubepods/pod{}/{}", kOuterUid, kInner);
const std::string kInDocker = fmt::format("/docker/{}", kInner);

INSTANTIATE_TEST_SUITE_P(
    All, TellsNestedContainers,
    testing::Values(
        Nesting{"Alone", kInPod, kInPod, ""},
        Nesting{"NestedCgroup", kInPod + "/container", kInPod, ""},
        Nesting{"DockerInAPod", fmt::format("{}/docker/{}", kInPod, kId), kInPod, ""},
        Nesting{"NestedInDockerInAPod", fmt::format("{}/docker/{}/a/b", kInPod, kId), kInPod, ""},
        Nesting{"Pod", fmt::format("/kubepods/pod{}", kUid), "", ""},
        Nesting{"PodOfAKubeletInDocker", fmt::format("{}/kubepods/pod{}", kInDocker, kUid), "",
                kInDocker},
        Nesting{"KubeletInDocker", fmt::format("{}/kubepods/pod{}/{}", kInDocker, kUid, kId),
                fmt::format("{}/kubepods/pod{}/{}", kInDocker, kUid, kId), kInDocker},
        Nesting{"KubeletInAPod", fmt::format("{}/kubepods/pod{}/{}/x", kInPod, kUid, kId),
                fmt::format("{}/kubepods/pod{}/{}", kInPod, kUid, kId), kInPod, true},
        Nesting{"Unit", "/system.slice/ssh.service", "", ""}),
    [](const auto& test) { return test.param.name; });

// Whatever is done to a path, the answer is in itself consistent.
TEST(ParseCgroupPath, HoldsItsPromisesForBrokenPaths) {
  const std::string seeds[] = {
      fmt::format("/docker/{}/kubelet/kubepods/burstable/pod{}/{}/container", kInner, kUid, kId),
      fmt::format("/kubepods.slice/kubepods-burstable-pod{}.slice/cri-containerd-{}.scope/x",
                  kUidUnderscored, kId),
      fmt::format("/system.slice/kubepods-pod{}.slice:crio:{}", kUidUnderscored, kId)};
  std::mt19937 random(1);
  constexpr char kAlphabet[] = "/:-_.\0abz09pod\xff";
  const std::string alphabet(kAlphabet, sizeof kAlphabet - 1);
  for (int round = 0; round < 100'000; ++round) {
    std::string path = seeds[random() % std::size(seeds)];
    for (uint32_t edits = random() % 4; edits > 0; --edits) {
      const size_t at = random() % path.size();
      switch (random() % 3) {
        case 0:
          path[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          path.erase(at, random() % 40);
          break;
        default:
          path.insert(at, path.substr(random() % path.size(), random() % 80));
          break;
      }
      if (path.empty()) path = "/";
    }
    const CgroupPath parsed = ParseCgroupPath(path);
    ASSERT_LE(parsed.pod_length, parsed.own_length) << path;
    ASSERT_LE(parsed.own_length, path.size()) << path;
    ASSERT_LE(parsed.outer_length, parsed.own_length) << path;
    ASSERT_EQ(parsed.outer_length != 0, parsed.kind == CgroupKind::kContainer) << path;
    ASSERT_LE(parsed.host_length, parsed.pod_length) << path;
    ASSERT_EQ(parsed.kind == CgroupKind::kOther, parsed.own_length == 0) << path;
    ASSERT_EQ(parsed.kind == CgroupKind::kContainer, !parsed.container_id.empty()) << path;
    ASSERT_EQ(parsed.pod_uid.empty(), parsed.pod_length == 0) << path;
    ASSERT_FALSE(parsed.kind == CgroupKind::kPod && parsed.pod_uid.empty()) << path;
  }
}

}  // namespace
}  // namespace leadline::agent::meta
