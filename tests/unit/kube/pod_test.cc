#include "kube/pod.h"

#include <string>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status_text.h"
#include "kube/json.h"

namespace leadline::kube {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

absl::StatusOr<std::shared_ptr<const Pod>> Decode(const std::string& text) {
  auto json = ParseJson(text);
  if (!json.ok()) return json.status();
  auto object = DecodePod(*json);
  if (!object.ok()) return object.status();
  return std::static_pointer_cast<const Pod>(*std::move(object));
}

std::string WithMeta(const std::string& meta, const std::string& rest = "") {
  return fmt::format(R"({{"metadata":{{"name":"a","namespace":"n","uid":"u"{}}}{}}})", meta, rest);
}

TEST(DecodePod, KeepsWhatAttributionNeeds) {
  const auto pod = Decode(R"({
    "apiVersion": "v1", "kind": "Pod",
    "metadata": {
      "name": "web-1", "namespace": "shop", "uid": "u-1", "resourceVersion": "17",
      "creationTimestamp": "2026-11-22T13:50:01Z", "deletionTimestamp": "2026-11-22T13:50:02Z",
      "labels": {"tier": "front", "app": "web"},
      "annotations": {"kubernetes.io/config.hash": "not a mirror"},
      "ownerReferences": [
        {"apiVersion": "v1", "kind": "Other", "name": "o", "uid": "o-1"},
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d4f", "uid": "rs-1",
         "controller": true, "blockOwnerDeletion": true}]},
    "spec": {
      "nodeName": "n1", "hostNetwork": true,
      "initContainers": [{"name": "setup", "image": "shop/setup:1"}],
      "containers": [{"name": "app", "image": "shop/web:1"}, {"name": "proxy", "image": "px"}],
      "ephemeralContainers": [{"name": "debugger", "image": "busybox"}]},
    "status": {
      "phase": "Running", "podIP": "10.0.0.1", "hostIP": "192.0.2.1",
      "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}],
      "initContainerStatuses": [
        {"name": "setup", "image": "sha256:0123", "containerID": "containerd://aa",
         "state": {"terminated": {"exitCode": 0, "containerID": "containerd://aa"}}}],
      "containerStatuses": [
        {"name": "proxy", "image": "docker.io/px:latest", "containerID": "cri-o://cc",
         "state": {"running": {"startedAt": "2026-11-22T13:50:01Z"}},
         "lastState": {"terminated": {"containerID": "cri-o://bb"}}},
        {"name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
        {"name": "stranger", "containerID": "docker://zz"}],
      "ephemeralContainerStatuses": [
        {"name": "debugger", "image": "busybox:1", "containerID": "docker://dd", "state": {}}]}})");
  ASSERT_TRUE(pod.ok()) << pod.status();
  const ObjectMeta& meta = (*pod)->meta;
  EXPECT_EQ(meta.uid, "u-1");
  EXPECT_EQ(meta.name, "web-1");
  EXPECT_EQ(meta.namespace_name, "shop");
  EXPECT_EQ(meta.resource_version, "17");
  EXPECT_EQ(meta.creation_unix_ms, 1795355401000);
  EXPECT_EQ(meta.deletion_unix_ms, 1795355402000);
  EXPECT_THAT(meta.labels, ElementsAre(Label{"app", "web"}, Label{"tier", "front"}));
  ASSERT_NE(meta.Controller(), nullptr);
  EXPECT_EQ(*meta.Controller(),
            (OwnerReference{"apps/v1", "ReplicaSet", "web-5d4f", "rs-1", true}));
  EXPECT_EQ((*pod)->node_name, "n1");
  EXPECT_EQ((*pod)->phase, "Running");
  EXPECT_TRUE((*pod)->host_network);
  EXPECT_THAT((*pod)->ips, ElementsAre("10.0.0.1", "fd00::1"));
  EXPECT_THAT((*pod)->host_ips, ElementsAre("192.0.2.1"));
  EXPECT_EQ((*pod)->CgroupUid(), "u-1");

  std::vector<std::string> containers;
  for (const Container& one : (*pod)->containers) {
    containers.push_back(fmt::format(
        "{} {} {} {} [{}] {}", one.name, static_cast<int>(one.type), one.image, one.container_id,
        fmt::join(one.former_container_ids, ","), static_cast<int>(one.state)));
  }
  EXPECT_THAT(containers,
              ElementsAre("setup 0 shop/setup:1 aa [] 3", "app 1 shop/web:1  [] 1",
                          "proxy 1 docker.io/px:latest cc [bb] 2", "debugger 2 busybox:1 dd [] 0"));
}

TEST(DecodePod, WhoOnlyWantsAddressesGetsNoContainersAndLabels) {
  const auto json = ParseJson(WithMeta(R"(,"labels":{"app":"web"},"ownerReferences":[
      {"kind":"ReplicaSet","name":"web-5d4f","uid":"rs-1","controller":true}])",
                                       R"(,"spec":{"nodeName":"n1","containers":[{"name":"app"}]},
      "status":{"phase":"Running","podIP":"10.0.0.1"})"));
  ASSERT_TRUE(json.ok()) << json.status();
  const auto object = DecodePodAddresses(*json);
  ASSERT_TRUE(object.ok()) << object.status();
  const auto& pod = static_cast<const Pod&>(**object);
  EXPECT_THAT(pod.meta.labels, IsEmpty());
  EXPECT_THAT(pod.containers, IsEmpty());
  EXPECT_EQ(pod.node_name, "n1");
  EXPECT_EQ(pod.phase, "Running");
  EXPECT_THAT(pod.ips, ElementsAre("10.0.0.1"));
  ASSERT_NE(pod.meta.Controller(), nullptr);
  EXPECT_EQ(pod.meta.Controller()->name, "web-5d4f");
}

TEST(DecodePod, ATerminatedRunIsNamedWhereTheStatusHasNoIdYet) {
  const auto pod = Decode(WithMeta("", R"(,"spec":{"containers":[{"name":"app"}]},
      "status":{"containerStatuses":[{"name":"app",
        "state":{"terminated":{"containerID":"containerd://aa"}}}]})"));
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_THAT((*pod)->containers[0].former_container_ids, ElementsAre("aa"));
}

TEST(DecodePod, AMirrorPodHasItsStaticPodsUid) {
  const auto pod = Decode(WithMeta(R"(,"annotations":{"kubernetes.io/config.hash":"0123",
                                     "kubernetes.io/config.mirror":"0123"})"));
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_EQ((*pod)->CgroupUid(), "0123");
  const auto without_hash =
      Decode(WithMeta(R"(,"annotations":{"kubernetes.io/config.mirror":"4567"})"));
  ASSERT_TRUE(without_hash.ok()) << without_hash.status();
  EXPECT_EQ((*without_hash)->CgroupUid(), "4567");
}

TEST(DecodePod, NullAndAbsentAreTheSame) {
  const auto pod = Decode(WithMeta(R"(,"labels":null,"ownerReferences":null,
                                     "creationTimestamp":null)",
                                   R"(,"spec":null,"status":{"podIPs":null})"));
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_THAT((*pod)->meta.labels, IsEmpty());
  EXPECT_EQ((*pod)->meta.creation_unix_ms, 0);
  EXPECT_EQ((*pod)->meta.Controller(), nullptr);
}

struct BadPod {
  std::string text;
  const char* problem;
};

class BadPods : public testing::TestWithParam<BadPod> {};

TEST_P(BadPods, AreRefusedWithTheField) {
  const auto pod = Decode(GetParam().text);
  EXPECT_EQ(pod.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(StatusMessage(pod.status())), HasSubstr(GetParam().problem));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadPods,
    testing::Values(
        BadPod{"", "no JSON"}, BadPod{"{", "no JSON"}, BadPod{"{} {}", "no JSON"},
        BadPod{"\"\xff\"", "no JSON"}, BadPod{std::string(100'000, '['), "no JSON"},
        BadPod{"[]", "not a JSON object"}, BadPod{"{}", "\"uid\" is missing"},
        BadPod{R"({"metadata":[]})", "\"metadata\" is not an object"},
        BadPod{R"({"metadata":{"name":"a","uid":"u"}})", "\"namespace\" is missing"},
        BadPod{R"({"metadata":{"name":"a","namespace":"n","uid":""}})", "\"uid\" is missing"},
        BadPod{R"({"metadata":{"name":1,"namespace":"n","uid":"u"}})", "\"name\" is not a string"},
        BadPod{WithMeta(R"(,"labels":{"app":1})"), "\"app\" is not a string"},
        BadPod{WithMeta(R"(,"labels":[])"), "\"labels\" is not an object"},
        BadPod{WithMeta(R"(,"ownerReferences":{})"), "\"ownerReferences\" is not an array"},
        BadPod{WithMeta(R"(,"ownerReferences":[7])"), "not a JSON object"},
        BadPod{WithMeta(R"(,"ownerReferences":[{"kind":"A","name":"b"}])"), "\"uid\" is missing"},
        BadPod{WithMeta(R"(,"creationTimestamp":"yesterday")"), "is not a time"},
        BadPod{WithMeta("", R"(,"spec":{"hostNetwork":"yes"})"), "is not a boolean"},
        BadPod{WithMeta("", R"(,"spec":{"containers":[{"image":"a"}]})"), "\"name\" is missing"},
        BadPod{WithMeta("", R"(,"spec":{"containers":["a"]})"), "not a JSON object"},
        BadPod{WithMeta("", R"(,"spec":{"containers":[{"name":"a"}]},
                            "status":{"containerStatuses":[{"name":"a","state":"up"}]})"),
               "\"state\" is not an object"}));

TEST(StripRuntime, LeavesTheId) {
  EXPECT_EQ(StripRuntime("containerd://4f5d"), "4f5d");
  EXPECT_EQ(StripRuntime("cri-o://4f5d"), "4f5d");
  EXPECT_EQ(StripRuntime("4f5d"), "4f5d");
  EXPECT_EQ(StripRuntime("docker://"), "");
  EXPECT_EQ(StripRuntime(""), "");
}

}  // namespace
}  // namespace leadline::kube
