#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/meta/metadata_resolver.h"
#include "agent/model/entity_id.h"
#include "tests/unit/agent/meta/resolver_fixture.h"

namespace leadline::agent::meta {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(MetadataResolverTest, AContainerThatRestartsIsAnotherEntity) {
  Cgroup(7, kPath);
  Applied(PodBuilder().Runs(kId));
  Owners();
  resolver_.OnCgroupEnd({0, 7}, kStart + 2000);
  Cgroup(8, kPodPath + "/" + kNextId, kStart + 3000);
  Applied(PodBuilder().Version("150").Runs(kNextId, {kId}), kStart + 3500);
  EXPECT_THAT(Container(), ElementsAre(kWholeContainer));
  EXPECT_EQ(history_.Last(ContainerId(kId)).end_ms, kStart + 2000);
  std::string next = kWholeContainer;
  EXPECT_THAT(Container(kNextId), ElementsAre(next.replace(0, 1, "3000")));
  EXPECT_EQ(history_.Last(ContainerId(kNextId)).end_ms, 0);
  EXPECT_EQ(history_.Last(PodId(kUid)).end_ms, 0);
}

TEST_F(MetadataResolverTest, AFormerRunIsNamedByTheStatus) {
  Cgroup(7, kPath);
  resolver_.OnCgroupEnd({0, 7}, kStart + 200);
  Applied(PodBuilder().Runs(kNextId, {kId}));
  Owners();
  EXPECT_THAT(Container(), ElementsAre(kWholeContainer));
}

TEST_F(MetadataResolverTest, ASandboxKeepsItsIdAndSumsIntoThePod) {
  Cgroup(7, kPath);
  Cgroup(8, kPodPath + "/" + kSandboxId);
  Applied(PodBuilder().Owners({}).Runs(kId));
  EXPECT_THAT(Container(kSandboxId),
              ElementsAre(fmt::format(R"(0: {{id="{}/{}", namespace="shop", pod="web-1", )"
                                      R"(workload="web-1", workload_type="pod"}} app=web)",
                                      kPodPath, kSandboxId)));
  EXPECT_EQ(resolver_.PodOf(ContainerId(kSandboxId)), PodId(kUid));
}

TEST_F(MetadataResolverTest, APodThatWasDeletedBeforeItsCgroupWasSeenIsStillKnown) {
  Applied(PodBuilder().Runs(kId));
  Owners();
  Deleted(PodBuilder().Version("160"));
  resolver_.Expire(kStart + kMinute);
  Cgroup(7, kPath);
  resolver_.OnCgroupEnd({0, 7}, kStart + 200);
  EXPECT_THAT(Container(), ElementsAre(kWholeContainer));
  EXPECT_EQ(history_.Last(ContainerId(kId)).end_ms, kStart + 200);
}

TEST_F(MetadataResolverTest, ACgroupThatEndedBeforeItsPodWasSeenIsStillTagged) {
  Cgroup(7, kPath);
  resolver_.OnCgroupEnd({0, 7}, kStart + 200);
  history_.Take(resolver_);
  resolver_.Expire(kStart + kMinute);
  Applied(PodBuilder().Runs(kId), kStart + 2 * kMinute);
  Deleted(PodBuilder().Version("160").Runs(kId), kStart + 2 * kMinute);
  Owners();
  EXPECT_THAT(Container(), ElementsAre(kWholeContainer));
  EXPECT_EQ(history_.Last(ContainerId(kId)).end_ms, kStart + 200);
  EXPECT_EQ(history_.Last(PodId(kUid)).end_ms, kStart + 200);
}

TEST_F(MetadataResolverTest, WhatEndedIsForgottenAfterAWhile) {
  Cgroup(7, kPath);
  Applied(PodBuilder().Runs(kId));
  resolver_.OnCgroupEnd({0, 7}, kStart + 200);
  Deleted(PodBuilder().Runs(kId), kStart + 300);
  history_.Take(resolver_);
  resolver_.Expire(kStart + 5 * kMinute);
  EXPECT_EQ(resolver_.EntityOf({0, 7}), ContainerId(kId));
  resolver_.Expire(kStart + 6 * kMinute);
  EXPECT_EQ(resolver_.EntityOf({0, 7}), std::nullopt);
  EXPECT_EQ(resolver_.Find(ContainerId(kId)), nullptr);
  EXPECT_EQ(resolver_.PodOf(ContainerId(kId)), std::nullopt);
  // The pod is forgotten with them: a cgroup of that uid would be nameless again.
  Cgroup(9, kPath, kStart + 7 * kMinute);
  history_ = {};
  EXPECT_THAT(Container(), ElementsAre(fmt::format(R"({}: {{id="{}"}})", 7 * kMinute, kPath)));
}

TEST_F(MetadataResolverTest, WhatEndedIsBoundedAndCounted) {
  for (uint64_t i = 0; i < 20; ++i) {
    Cgroup(i, fmt::format("/system.slice/run-{}.scope", i), kStart + static_cast<int64_t>(i));
    resolver_.OnCgroupEnd({0, i}, kStart + static_cast<int64_t>(i));
  }
  resolver_.Expire(kStart + 100);
  EXPECT_EQ(resolver_.EntityOf({0, 11}), std::nullopt);
  EXPECT_NE(resolver_.EntityOf({0, 12}), std::nullopt);
  double forgotten = 0;
  for (const auto& family : registry_.Collect()) {
    if (family.name != "leadline_agent_meta_forgotten_total") continue;
    for (const auto& metric : family.metric) forgotten += metric.counter.value;
  }
  EXPECT_EQ(forgotten, 24);  // 12 cgroups and their entities
}

TEST_F(MetadataResolverTest, APodOfTheApiIsKeptWithoutCgroups) {
  Applied(PodBuilder().Runs(kId));
  resolver_.Expire(kStart + 100 * kMinute);
  EXPECT_THAT(resolver_.TakeUpdates(), IsEmpty());
  Cgroup(7, kPath);
  Owners();
  EXPECT_THAT(Container(), ElementsAre(kWholeContainer));
}

TEST_F(MetadataResolverTest, NestedCgroupsBelongToTheirContainer) {
  Cgroup(8, kPath + "/container", kStart + 50);
  Cgroup(7, kPath);
  EXPECT_EQ(resolver_.EntityOf({0, 8}), ContainerId(kId));
  resolver_.OnCgroupEnd({0, 8}, kStart + 100);
  Container();
  EXPECT_EQ(history_.Last(ContainerId(kId)).end_ms, 0);
  EXPECT_EQ(history_.Last(ContainerId(kId)).start_ms, kStart);
  resolver_.OnCgroupEnd({0, 7}, kStart + 110);
  Container();
  EXPECT_EQ(history_.Last(ContainerId(kId)).end_ms, kStart + 110);
}

TEST_F(MetadataResolverTest, AContainerInTwoHierarchiesIsOneEntity) {
  resolver_.OnCgroup({{0, 7}, kPath, kStart});
  resolver_.OnCgroup({{4, 7}, kPath, kStart});
  resolver_.OnCgroupEnd({0, 7}, kStart + 10);
  Container();
  EXPECT_EQ(history_.Last(ContainerId(kId)).end_ms, 0);
  resolver_.OnCgroupEnd({4, 7}, kStart + 20);
  Container();
  EXPECT_EQ(history_.Last(ContainerId(kId)).end_ms, kStart + 20);
}

TEST_F(MetadataResolverTest, AContainerThatComesBackLivesAgain) {
  const std::string path = "/docker/" + kId;
  Cgroup(7, path);
  resolver_.OnCgroupEnd({0, 7}, kStart + 10);
  Container();
  Cgroup(9, path, kStart + 500);
  Container();
  EXPECT_EQ(history_.Last(ContainerId(kId)).end_ms, 0);
  EXPECT_EQ(history_.Last(ContainerId(kId)).start_ms, kStart);
  resolver_.Expire(kStart + 100 * kMinute);
  EXPECT_NE(resolver_.Find(ContainerId(kId)), nullptr);
}

TEST_F(MetadataResolverTest, OtherCgroupsHaveTheirPath) {
  Cgroup(7, "/system.slice/ssh.service");
  const Id128 id = CgroupId("boot", 0, 7);
  EXPECT_EQ(resolver_.EntityOf({0, 7}), id);
  history_.Take(resolver_);
  EXPECT_THAT(history_.Of(id),
              ElementsAre(R"(0: {id="/system.slice/ssh.service", unit="ssh.service"})"));
  EXPECT_EQ(history_.Last(id).kind, EntityKind::kCgroup);
}

TEST_F(MetadataResolverTest, APodsOwnCgroupIsThePods) {
  Cgroup(5, kPodPath, kStart - 10);
  Cgroup(7, kPath);
  EXPECT_EQ(resolver_.EntityOf({0, 5}), PodId(kUid));
  Pod();
  EXPECT_EQ(history_.Last(PodId(kUid)).start_ms, kStart - 10);
}

TEST_F(MetadataResolverTest, HostNetworkIsKnownWithThePod) {
  Cgroup(7, kPath);
  Applied(PodBuilder().HostNetwork());
  EXPECT_EQ(resolver_.IsHostNetwork(PodId(kUid)), true);
  Applied(PodBuilder());
  EXPECT_EQ(resolver_.IsHostNetwork(PodId(kUid)), false);
}

TEST_F(MetadataResolverTest, AStaticPodIsFoundByItsHashAndSurvivesItsMirror) {
  const kube::OwnerReference node{"v1", "Node", "n1", "node-uid", true};
  Cgroup(7, kPath);
  Applied(PodBuilder().Owners({node}).Mirror("mirror-1").Runs(kId));
  const std::string expected =
      R"(0: {container="app", image="shop/web:1", namespace="shop", owner_kind="Node", )"
      R"(owner_name="n1", pod="web-1", workload="web-1", workload_type="staticpod"} app=web)";
  EXPECT_THAT(Container(), ElementsAre(expected));
  // The kubelet makes a new mirror pod; the old one's deletion comes later.
  Applied(PodBuilder().Owners({node}).Mirror("mirror-2").Version("200").Runs(kId));
  Deleted(PodBuilder().Owners({node}).Mirror("mirror-1").Version("199").Runs(kId));
  resolver_.Expire(kStart + 100 * kMinute);
  EXPECT_THAT(Container(), ElementsAre(expected));
  EXPECT_EQ(resolver_.IsHostNetwork(PodId(kUid)), false);
}

TEST_F(MetadataResolverTest, TwoPodsThatClaimOneContainerDoNotMixUp) {
  Cgroup(7, kPath);
  const std::string other = "11111111-2222-3333-4444-555555555555";
  Cgroup(8, fmt::format("/kubepods/pod{}/{}", other, kId));
  EXPECT_EQ(resolver_.PodOf(ContainerId(kId)), PodId(kUid));
  resolver_.OnCgroupEnd({0, 7}, kStart + 1);
  resolver_.OnCgroupEnd({0, 8}, kStart + 2);
  resolver_.Expire(kStart + 100 * kMinute);
  EXPECT_EQ(resolver_.Find(ContainerId(kId)), nullptr);
  EXPECT_EQ(resolver_.Find(PodId(kUid)), nullptr);
  EXPECT_EQ(resolver_.Find(PodId(other)), nullptr);
}

TEST_F(MetadataResolverTest, IdsThatAPersonChoseAreTheirBootsOwn) {
  MetadataResolver other({.cluster = "c1", .node = "n2", .boot_id = "other"}, registry_);
  EXPECT_NE(resolver_.OnCgroup({{0, 7}, "/default/redis", kStart}),
            other.OnCgroup({{0, 7}, "/default/redis", kStart}));
  EXPECT_EQ(resolver_.OnCgroup({{0, 8}, "/docker/" + kId, kStart}), ContainerId(kId));
}

TEST_F(MetadataResolverTest, AContainerThatTheApiNeverNamedIsCounted) {
  Cgroup(7, kPath);
  Cgroup(8, "/docker/" + kNextId);
  resolver_.OnCgroupEnd({0, 7}, kStart + 1);
  resolver_.OnCgroupEnd({0, 8}, kStart + 1);
  resolver_.Expire(kStart + 100 * kMinute);
  double unattributed = 0;
  for (const auto& family : registry_.Collect()) {
    if (family.name != "leadline_agent_meta_unattributed_containers_total") continue;
    unattributed = family.metric.at(0).counter.value;
  }
  EXPECT_EQ(unattributed, 1);
}

TEST_F(MetadataResolverTest, AKeyThatIsUsedAgainIsAnotherCgroup) {
  Cgroup(7, "/a.slice");
  Cgroup(7, kPath, kStart + 10);
  EXPECT_EQ(resolver_.EntityOf({0, 7}), ContainerId(kId));
  Container();
  EXPECT_EQ(history_.Last(ContainerId(kId)).start_ms, kStart + 10);
}

TEST_F(MetadataResolverTest, EndsOfUnknownCgroupsAreIgnored) {
  resolver_.OnCgroupEnd({0, 99}, kStart);
  Cgroup(7, kPath);
  resolver_.OnCgroupEnd({0, 7}, kStart + 1);
  resolver_.OnCgroupEnd({0, 7}, kStart + 2);
  Container();
  EXPECT_EQ(history_.Last(ContainerId(kId)).end_ms, kStart + 1);
}

}  // namespace
}  // namespace leadline::agent::meta
