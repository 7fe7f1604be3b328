#include "kube/resource_path.h"

#include <gtest/gtest.h>

#include "kube/url.h"

namespace leadline::kube {
namespace {

TEST(BuiltinResource, GoesByGroupAndKind) {
  const auto plural = [](std::string_view api_version, std::string_view kind) {
    const auto resource = BuiltinResource(api_version, kind);
    return resource ? resource->plural : "none";
  };
  EXPECT_EQ(plural("v1", "ReplicationController"), "replicationcontrollers");
  EXPECT_EQ(plural("apps/v1", "ReplicaSet"), "replicasets");
  EXPECT_EQ(plural("apps/v1beta2", "Deployment"), "deployments");
  EXPECT_EQ(plural("apps/v1", "StatefulSet"), "statefulsets");
  EXPECT_EQ(plural("apps/v1", "DaemonSet"), "daemonsets");
  EXPECT_EQ(plural("batch/v1", "Job"), "jobs");
  EXPECT_EQ(plural("batch/v1beta1", "CronJob"), "cronjobs");
  EXPECT_EQ(plural("apps.kruise.io/v1", "StatefulSet"), "none");
  EXPECT_EQ(plural("batch.volcano.sh/v1alpha1", "Job"), "none");
  EXPECT_EQ(plural("v1", "Deployment"), "none");
}

TEST(GroupPath, KnowsTheCoreGroup) {
  EXPECT_EQ(GroupPath("v1"), "/api/v1");
  EXPECT_EQ(GroupPath("apps/v1"), "/apis/apps/v1");
  EXPECT_EQ(GroupPath("a b/../v1"), std::nullopt);
  EXPECT_EQ(GroupPath("a b/v1?x"), "/apis/a%20b/v1%3Fx");
  EXPECT_EQ(GroupPath(""), std::nullopt);
  EXPECT_EQ(GroupPath("/v1"), std::nullopt);
  EXPECT_EQ(GroupPath("apps/"), std::nullopt);
  EXPECT_EQ(GroupPath("a/b/c"), std::nullopt);
}

TEST(ObjectPath, EncodesNames) {
  EXPECT_EQ(ObjectPath("/apis/apps/v1", {"deployments", true}, "shop", "web"),
            "/apis/apps/v1/namespaces/shop/deployments/web");
  EXPECT_EQ(ObjectPath("/apis/x/v1", {"things", false}, "shop", "a/../b"),
            "/apis/x/v1/things/a%2F..%2Fb");
}

TEST(PercentEncode, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(PercentEncode("azAZ09-._~"), "azAZ09-._~");
  EXPECT_EQ(PercentEncode("a=b&c/d?\xc3\xa9%"), "a%3Db%26c%2Fd%3F%C3%A9%25");
}

}  // namespace
}  // namespace leadline::kube
