#include <algorithm>
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
using testing::SizeIs;

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

}  // namespace
}  // namespace leadline::agent::meta
