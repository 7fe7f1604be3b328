#include "kube/endpoint_slice.h"

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

absl::StatusOr<std::shared_ptr<const EndpointSlice>> SliceOf(
    const std::string& endpoints,
    const std::string& labels = R"({"kubernetes.io/service-name":"web","app":"web"})") {
  auto json = ParseJson(
      fmt::format(R"({{"metadata":{{"name":"web-x7k","namespace":"shop","uid":"e-1","labels":{},
                      "ownerReferences":[{{"kind":"Service","name":"web","uid":"s-1"}}]}},
                      "addressType":"IPv4","endpoints":{}}})",
                  labels, endpoints));
  if (!json.ok()) return json.status();
  auto object = DecodeEndpointSlice(*json);
  if (!object.ok()) return object.status();
  return std::static_pointer_cast<const EndpointSlice>(*std::move(object));
}

TEST(DecodeEndpointSlice, KeepsItsServiceAndThePodsBehindIt) {
  const auto slice = SliceOf(R"([
    {"addresses": ["10.0.0.1"], "conditions": {"ready": true}, "nodeName": "n1",
     "targetRef": {"kind": "Pod", "namespace": "shop", "name": "web-1", "uid": "p-1"}},
    {"addresses": ["10.0.0.2"], "conditions": {"ready": false},
     "targetRef": {"kind": "Pod", "name": "web-2", "uid": "p-2"}}])");
  ASSERT_TRUE(slice.ok()) << slice.status();
  EXPECT_EQ((*slice)->service, "web");
  EXPECT_EQ((*slice)->meta.namespace_name, "shop");
  EXPECT_THAT((*slice)->pod_uids, ElementsAre("p-1", "p-2"));
  EXPECT_FALSE((*slice)->has_others);
  EXPECT_THAT((*slice)->meta.labels, IsEmpty());
  EXPECT_THAT((*slice)->meta.owners, IsEmpty());
}

TEST(DecodeEndpointSlice, EndpointsThatAreNoPodsAreSaidToBeThere) {
  for (const char* endpoints :
       {R"([{"addresses": ["192.0.2.1"]}])",
        R"([{"addresses": ["192.0.2.1"], "targetRef": {"kind": "Node", "name": "n1"}}])",
        R"([{"targetRef": null}])"}) {
    const auto slice = SliceOf(endpoints);
    ASSERT_TRUE(slice.ok()) << slice.status();
    EXPECT_TRUE((*slice)->has_others) << endpoints;
    EXPECT_THAT((*slice)->pod_uids, IsEmpty());
  }
}

TEST(DecodeEndpointSlice, MayBeEmptyAndOfNoService) {
  const auto slice = SliceOf("null", R"({"app":"web"})");
  ASSERT_TRUE(slice.ok()) << slice.status();
  EXPECT_EQ((*slice)->service, "");
  EXPECT_THAT((*slice)->pod_uids, IsEmpty());
  EXPECT_FALSE((*slice)->has_others);
}

struct BadSlice {
  const char* endpoints;
  const char* problem;
};

class BadSlices : public testing::TestWithParam<BadSlice> {};

TEST_P(BadSlices, AreRefusedWithTheField) {
  const auto slice = SliceOf(GetParam().endpoints);
  EXPECT_EQ(slice.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(StatusMessage(slice.status())), HasSubstr(GetParam().problem));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadSlices,
    testing::Values(BadSlice{"{}", "\"endpoints\" is not an array"},
                    BadSlice{"[7]", "not a JSON object"},
                    BadSlice{R"([{"targetRef": "web-1"}])", "\"targetRef\" is not an object"},
                    BadSlice{R"([{"targetRef": {"kind": 1}}])", "\"kind\" is not a string"},
                    BadSlice{R"([{"targetRef": {"kind": "Pod"}}])", "\"uid\" is missing"}));

TEST(DecodeEndpointSlice, OneOutsideOfANamespaceIsNone) {
  const auto json = ParseJson(R"({"metadata":{"name":"web-x7k","uid":"e-1"}})");
  ASSERT_TRUE(json.ok());
  EXPECT_THAT(std::string(StatusMessage(DecodeEndpointSlice(*json).status())),
              HasSubstr("\"namespace\" is missing"));
}

}  // namespace
}  // namespace leadline::kube
