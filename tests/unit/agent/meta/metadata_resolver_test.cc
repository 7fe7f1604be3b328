#include "agent/meta/metadata_resolver.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "agent/model/entity_id.h"

namespace leadline::agent::meta {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kUid = "8a3f1c52-0d6e-4b7a-9c11-5e2f7d9b0a64";
const std::string kId(64, 'a');
const std::string kNextId(64, 'b');
const std::string kSandboxId(64, 'c');
const std::string kPodPath = "/kubepods/burstable/pod" + kUid;
const std::string kPath = kPodPath + "/" + kId;
constexpr int64_t kStart = 1'000'000;
constexpr int64_t kMinute = 60'000;

const kube::OwnerReference kReplicaSet{"apps/v1", "ReplicaSet", "web-5d4f", "rs-uid", true};
const kube::OwnerChain kChain{
    {{"apps/v1", "ReplicaSet", "web-5d4f", "rs-uid"}, {"apps/v1", "Deployment", "web", "d-uid"}},
    kube::ChainEnd::kTop};

// A pod in namespace shop, web-1 of ReplicaSet web-5d4f; tests change what they are about.
class PodBuilder {
 public:
  PodBuilder() {
    pod_.meta = {.uid = kUid,
                 .name = "web-1",
                 .namespace_name = "shop",
                 .resource_version = "100",
                 .labels = {{"app", "web"}},
                 .owners = {kReplicaSet}};
  }
  PodBuilder& Version(std::string version) {
    pod_.meta.resource_version = std::move(version);
    return *this;
  }
  PodBuilder& Labels(std::vector<Label> labels) {
    pod_.meta.labels = std::move(labels);
    return *this;
  }
  PodBuilder& Owners(std::vector<kube::OwnerReference> owners) {
    pod_.meta.owners = std::move(owners);
    return *this;
  }
  PodBuilder& HostNetwork() {
    pod_.host_network = true;
    return *this;
  }
  PodBuilder& Mirror(std::string api_uid) {
    pod_.static_uid = pod_.meta.uid;
    pod_.meta.uid = std::move(api_uid);
    return *this;
  }
  PodBuilder& Runs(std::string id, std::vector<std::string> former = {}) {
    pod_.containers = {{.name = "app",
                        .image = "shop/web:1",
                        .container_id = std::move(id),
                        .former_container_ids = std::move(former)}};
    return *this;
  }
  std::shared_ptr<const kube::Pod> Build() const { return std::make_shared<kube::Pod>(pod_); }

 private:
  kube::Pod pod_;
};

// What a collector makes of the updates: the versions of each entity by the time they begin.
class History {
 public:
  void Take(MetadataResolver& resolver) {
    for (Entity& entity : resolver.TakeUpdates()) {
      auto& versions = versions_[entity.id];
      for (const auto& [from, version] : versions) {
        EXPECT_LT(version.revision, entity.revision) << "of " << entity.labels.ToString();
      }
      versions.erase(versions.lower_bound(entity.valid_from_ms), versions.end());
      const int64_t from_ms = entity.valid_from_ms;
      versions.emplace(from_ms, std::move(entity));
    }
  }

  // One line a version: its begin relative to kStart, its labels but cluster and node, and its
  // Kubernetes labels.
  std::vector<std::string> Of(const Id128& id) const {
    std::vector<std::string> lines;
    const auto it = versions_.find(id);
    if (it == versions_.end()) return lines;
    for (const auto& [from, entity] : it->second) {
      LabelSet labels = entity.labels;
      EXPECT_EQ(labels.Get("cluster"), "c1");
      EXPECT_EQ(labels.Get("node"), "n1");
      labels.Remove("cluster");
      labels.Remove("node");
      std::string kubernetes;
      for (const Label& label : entity.kubernetes_labels) {
        kubernetes += fmt::format(" {}={}", label.name, label.value);
      }
      lines.push_back(fmt::format("{}: {}{}", from - kStart, labels.ToString(), kubernetes));
    }
    return lines;
  }

  const Entity& Last(const Id128& id) const { return versions_.at(id).rbegin()->second; }
  size_t size() const { return versions_.size(); }

 private:
  std::map<Id128, std::map<int64_t, Entity>> versions_;
};

class MetadataResolverTest : public testing::Test {
 protected:
  void Cgroup(uint64_t id, const std::string& path, int64_t start_ms = kStart) {
    resolver_.OnCgroup({{0, id}, path, start_ms});
  }
  void Applied(const PodBuilder& pod, int64_t now_ms = kStart + 500) {
    resolver_.OnEvent(PodApplied{pod.Build()}, now_ms);
  }
  void Deleted(const PodBuilder& pod, int64_t now_ms = kStart + 600) {
    resolver_.OnEvent(PodDeleted{pod.Build()}, now_ms);
  }
  void Owners(const kube::OwnerChain& chain = kChain) {
    resolver_.OnEvent(OwnersResolved{kUid, chain}, kStart + 700);
  }
  std::vector<std::string> Container(const std::string& id = kId) {
    history_.Take(resolver_);
    return history_.Of(ContainerId(id));
  }
  std::vector<std::string> Pod() {
    history_.Take(resolver_);
    return history_.Of(PodId(kUid));
  }

  prometheus::Registry registry_;
  MetadataResolver resolver_{{.cluster = "c1", .node = "n1", .boot_id = "boot", .max_ended = 8},
                             registry_};
  History history_;
};

const char kWholeContainer[] =
    R"(0: {container="app", controller="web", controller_kind="Deployment", image="shop/web:1", )"
    R"(namespace="shop", owner_kind="ReplicaSet", owner_name="web-5d4f", pod="web-1", )"
    R"(workload="web", workload_type="deployment"} app=web)";
const char kWholePod[] =
    R"(0: {controller="web", controller_kind="Deployment", namespace="shop", )"
    R"(owner_kind="ReplicaSet", owner_name="web-5d4f", pod="web-1", workload="web", )"
    R"(workload_type="deployment"} app=web)";

// Whatever the order of arrival, the end is the same: everything counts from the start.
TEST_F(MetadataResolverTest, EveryOrderOfArrivalEndsAlike) {
  std::vector<int> steps = {0, 1, 2, 3};
  do {
    prometheus::Registry registry;
    MetadataResolver resolver({.cluster = "c1", .node = "n1"}, registry);
    History history;
    std::string order;
    for (const int step : steps) {
      order += fmt::format(" {}", step);
      switch (step) {
        case 0:
          resolver.OnCgroup({{0, 7}, kPath, kStart});
          break;
        case 1: {  // before the status names the container, unless that was said already
          const bool named = order.find('2') != std::string::npos;
          resolver.OnEvent(PodApplied{(named ? PodBuilder().Runs(kId) : PodBuilder()).Build()},
                           kStart + 300);
          break;
        }
        case 2:
          resolver.OnEvent(PodApplied{PodBuilder().Version("101").Runs(kId).Build()}, kStart + 400);
          break;
        case 3:
          resolver.OnEvent(OwnersResolved{kUid, kChain}, kStart + 500);
          break;
        default:
          break;
      }
      history.Take(resolver);
    }
    EXPECT_THAT(history.Of(ContainerId(kId)), ElementsAre(kWholeContainer)) << order;
    EXPECT_THAT(history.Of(PodId(kUid)), ElementsAre(kWholePod)) << order;
  } while (std::next_permutation(steps.begin(), steps.end()));
}

TEST_F(MetadataResolverTest, AContainerIsAnEntityBeforeItsPodIsKnown) {
  EXPECT_EQ(resolver_.OnCgroup({{0, 7}, kPath, kStart}), ContainerId(kId));
  EXPECT_THAT(Container(), ElementsAre(fmt::format(R"(0: {{id="{}"}})", kPath)));
  EXPECT_THAT(Pod(), ElementsAre(fmt::format(R"(0: {{id="{}"}})", kPodPath)));
  EXPECT_EQ(resolver_.PodOf(ContainerId(kId)), PodId(kUid));
  EXPECT_EQ(resolver_.IsHostNetwork(PodId(kUid)), std::nullopt);
}

TEST_F(MetadataResolverTest, TheDirectOwnerIsKnownBeforeTheChain) {
  Cgroup(7, kPath);
  Applied(PodBuilder().Runs(kId));
  EXPECT_THAT(
      Container(),
      ElementsAre(R"(0: {container="app", image="shop/web:1", namespace="shop", )"
                  R"(owner_kind="ReplicaSet", owner_name="web-5d4f", pod="web-1"} app=web)"));
  Owners();
  EXPECT_THAT(Container(), ElementsAre(kWholeContainer));
}

TEST_F(MetadataResolverTest, APodWithoutOwnerIsItsOwnWorkload) {
  Cgroup(7, kPath);
  Applied(PodBuilder().Owners({}).Runs(kId));
  EXPECT_THAT(Pod(), ElementsAre(R"(0: {namespace="shop", pod="web-1", workload="web-1", )"
                                 R"(workload_type="pod"} app=web)"));
}

TEST_F(MetadataResolverTest, OnlyTheControllerAmongTheOwnersCounts) {
  Cgroup(7, kPath);
  kube::OwnerReference other = kReplicaSet;
  other.controller = false;
  Applied(PodBuilder().Owners({other}));
  EXPECT_THAT(Pod(), ElementsAre(R"(0: {namespace="shop", pod="web-1", workload="web-1", )"
                                 R"(workload_type="pod"} app=web)"));
}

TEST_F(MetadataResolverTest, LabelsThatChangeBeginAVersion) {
  Cgroup(7, kPath);
  Applied(PodBuilder().Runs(kId));
  Owners();
  Applied(PodBuilder().Version("120").Labels({{"app", "shop"}}).Runs(kId), kStart + 9000);
  std::string changed = kWholeContainer;
  changed.replace(0, 1, "9000").replace(changed.find("app=web"), 7, "app=shop");
  EXPECT_THAT(Container(), ElementsAre(kWholeContainer, changed));
}

TEST_F(MetadataResolverTest, ALabelAndWhatIsLearnedAfterItsChangeReachBothVersions) {
  Cgroup(7, kPath);
  Applied(PodBuilder());
  history_.Take(resolver_);
  Applied(PodBuilder().Version("120").Labels({{"app", "shop"}}), kStart + 9000);
  history_.Take(resolver_);
  Owners();
  history_.Take(resolver_);
  Applied(PodBuilder().Version("121").Labels({{"app", "shop"}}).Runs(kId), kStart + 9500);
  std::string changed = kWholeContainer;
  changed.replace(0, 1, "9000").replace(changed.find("app=web"), 7, "app=shop");
  EXPECT_THAT(Container(), ElementsAre(kWholeContainer, changed));
}

TEST_F(MetadataResolverTest, AContainerThatStartsAfterALabelChangedHasOnlyTheNewLabels) {
  Applied(PodBuilder());
  Applied(PodBuilder().Version("120").Labels({{"app", "shop"}}), kStart - 100);
  Cgroup(7, kPath);
  Applied(PodBuilder().Version("121").Labels({{"app", "shop"}}).Runs(kId));
  Owners();
  std::string only = kWholeContainer;
  only.replace(only.find("app=web"), 7, "app=shop");
  EXPECT_THAT(Container(), ElementsAre(only));
}

TEST_F(MetadataResolverTest, AdoptionByAnotherControllerBeginsAVersion) {
  Cgroup(7, kPath);
  Applied(PodBuilder().Owners({}));
  Applied(PodBuilder().Version("130"), kStart + 4000);
  Owners();
  std::string adopted = kWholePod;
  adopted.replace(0, 1, "4000");
  EXPECT_THAT(Pod(), ElementsAre(R"(0: {namespace="shop", pod="web-1", workload="web-1", )"
                                 R"(workload_type="pod"} app=web)",
                                 adopted));
}

TEST_F(MetadataResolverTest, AChainThatIsCorrectedCountsFromTheStart) {
  Cgroup(7, kPath);
  Applied(PodBuilder().Runs(kId));
  Owners({{kChain.owners[0]}, kube::ChainEnd::kForbidden});
  EXPECT_THAT(Pod(), ElementsAre(R"(0: {controller="web-5d4f", controller_kind="ReplicaSet", )"
                                 R"(namespace="shop", owner_kind="ReplicaSet", )"
                                 R"(owner_name="web-5d4f", pod="web-1", workload="web-5d4f", )"
                                 R"(workload_type="replicaset"} app=web)"));
  Owners();
  EXPECT_THAT(Pod(), ElementsAre(kWholePod));
}

TEST_F(MetadataResolverTest, ChangesThatAreNoLabelsSayNothing) {
  Cgroup(7, kPath);
  Applied(PodBuilder().Runs(kId));
  Owners();
  history_.Take(resolver_);
  Applied(PodBuilder().Version("140").Runs(kId), kStart + 5000);
  Cgroup(7, kPath);
  EXPECT_THAT(resolver_.TakeUpdates(), IsEmpty());
}

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
  EXPECT_THAT(history_.Of(id), ElementsAre(R"(0: {id="/system.slice/ssh.service"})"));
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

TEST_F(MetadataResolverTest, ALaterResourceVersionBeatsAnEarlierRunOfTheAgent) {
  Cgroup(7, kPath);
  Applied(PodBuilder().Runs(kId));
  Owners();
  history_.Take(resolver_);
  const uint64_t before = history_.Last(ContainerId(kId)).revision;

  MetadataResolver restarted({.cluster = "c1", .node = "n1"}, registry_);
  restarted.OnCgroup({{0, 7}, kPath, kStart});
  EXPECT_LT(restarted.TakeUpdates().front().revision, before);
  restarted.OnEvent(PodApplied{PodBuilder().Version("101").Runs(kId).Build()}, kStart + 9000);
  EXPECT_GT(restarted.TakeUpdates().front().revision, before);
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

TEST_F(MetadataResolverTest, ManyLabelChangesKeepTheNewestAndWhatWasHandedOut) {
  Cgroup(7, kPath);
  Applied(PodBuilder().Owners({}).Runs(kId));
  for (int i = 1; i <= 100; ++i) {
    Applied(PodBuilder()
                .Owners({})
                .Version(fmt::format("{}", 100 + i))
                .Labels({{"app", fmt::format("v{}", i)}})
                .Runs(kId),
            kStart + i * 1000);
    history_.Take(resolver_);
  }
  const std::vector<std::string> versions = Container();
  ASSERT_THAT(versions, SizeIs(101));
  EXPECT_TRUE(versions[0].ends_with(" app=web")) << versions[0];
  EXPECT_TRUE(versions[100].starts_with("100000: ")) << versions[100];
  EXPECT_TRUE(versions[100].ends_with(" app=v100")) << versions[100];
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
