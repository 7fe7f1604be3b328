// Names from the container runtime, with and without Kubernetes.
#include "resolver_fixture.h"

namespace leadline::agent::meta {
namespace {

using testing::ElementsAre;

const ContainerNames kNames{"web", "shop/web:rt", "web-1", "shop", kUid};
const ContainerNames kSandboxNames{"", "", "web-1", "shop", kUid};

class RuntimeNamesInLabels : public MetadataResolverTest {
 protected:
  void Named(const ContainerNames& names, const std::string& id = kId) {
    resolver_.OnRuntimeNames(id, names);
  }
};

TEST_F(RuntimeNamesInLabels, NewContainersAreTold) {
  Cgroup(1, kPodPath);
  Cgroup(2, kPath);
  Cgroup(3, kPath + "/nested");
  Cgroup(4, "/system.slice/ssh.service");
  EXPECT_THAT(resolver_.TakeNewContainers(), ElementsAre(kId));
  EXPECT_THAT(resolver_.TakeNewContainers(), ElementsAre());
}

TEST_F(RuntimeNamesInLabels, StandInForTheApiFromTheStart) {
  Cgroup(1, kPodPath);
  Cgroup(2, kPath);
  EXPECT_THAT(Container(), ElementsAre(testing::HasSubstr("id=\"" + kPath)));
  Named(kNames);
  EXPECT_THAT(Container(),
              ElementsAre(R"(0: {container="web", image="shop/web:rt", namespace="shop", )"
                          R"(pod="web-1"})"));
  EXPECT_THAT(Pod(), ElementsAre(R"(0: {namespace="shop", pod="web-1"})"));
}

TEST_F(RuntimeNamesInLabels, TheApiWins) {
  Cgroup(1, kPath);
  Named({"not-app", "not-the-image", "not-web-1", "not-shop", kUid});
  Container();
  Applied(PodBuilder().Runs(kId));
  Owners();
  EXPECT_THAT(Container(), ElementsAre(kWholeContainer));
  EXPECT_THAT(Pod(), ElementsAre(kWholePod));
  Named(kNames);
  EXPECT_THAT(Container(), ElementsAre(kWholeContainer));
}

TEST_F(RuntimeNamesInLabels, NameTheContainerUntilAStatusDoes) {
  Cgroup(1, kPath);
  Named(kNames);
  Applied(PodBuilder());
  EXPECT_THAT(Container(), ElementsAre(testing::AllOf(
                               testing::HasSubstr(R"(container="web", image="shop/web:rt")"),
                               testing::HasSubstr(R"(owner_name="web-5d4f")"))));
  Applied(PodBuilder().Version("101").Runs(kId));
  EXPECT_THAT(Container(),
              ElementsAre(testing::HasSubstr(R"(container="app", image="shop/web:1")")));
}

TEST_F(RuntimeNamesInLabels, ASandboxNamesThePodAndKeepsItsPath) {
  const std::string path = kPodPath + "/" + kSandboxId;
  Cgroup(1, path);
  Named(kSandboxNames, kSandboxId);
  EXPECT_THAT(Container(kSandboxId),
              ElementsAre("0: {id=\"" + path + R"(", namespace="shop", pod="web-1"})"));
  // A container of the pod that no runtime knows has its pod from the sandbox.
  Cgroup(2, kPath);
  EXPECT_THAT(Container(),
              ElementsAre("0: {id=\"" + kPath + R"(", namespace="shop", pod="web-1"})"));
}

TEST_F(RuntimeNamesInLabels, ThoseOutsideOfPodsKeepTheirPathToo) {
  const std::string path = "/machine.slice/libpod-" + kId + ".scope";
  Cgroup(1, path);
  Named({.container = "web", .image = "localhost/web:1"});
  EXPECT_THAT(Container(), ElementsAre("0: {container=\"web\", id=\"" + path +
                                       R"(", image="localhost/web:1"})"));
}

TEST_F(RuntimeNamesInLabels, APodThatTheCgroupDoesNotTellIsTakenFromTheContainer) {
  Cgroup(1, "/k8s.io/" + kId);
  Named(kNames);
  EXPECT_THAT(Container(),
              ElementsAre(R"(0: {container="web", image="shop/web:rt", namespace="shop", )"
                          R"(pod="web-1"})"));
}

TEST_F(RuntimeNamesInLabels, LateNamesOfAnEndedContainerCountFromItsStart) {
  Cgroup(1, kPath);
  Container();
  resolver_.OnCgroupEnd({0, 1}, kStart + 200);
  Named(kNames);
  EXPECT_THAT(Container(), ElementsAre(testing::HasSubstr(R"(0: {container="web")")));
  EXPECT_EQ(history_.Last(ContainerId(kId)).end_ms, kStart + 200);
  Named(kNames, kNextId);  // unknown: nothing happens
  EXPECT_THAT(Container(kNextId), ElementsAre());
}

}  // namespace
}  // namespace leadline::agent::meta
