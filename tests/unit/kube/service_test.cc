#include "kube/service.h"

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

absl::StatusOr<std::shared_ptr<const Service>> ServiceOf(const std::string& spec,
                                                         const std::string& status = "{}") {
  auto json = ParseJson(fmt::format(R"({{"metadata":{{"name":"web","namespace":"shop","uid":"s-1",
                      "labels":{{"app":"web"}},"creationTimestamp":"2026-11-22T13:50:01Z"}},
                      "spec":{},"status":{}}})",
                                    spec, status));
  if (!json.ok()) return json.status();
  auto object = DecodeService(*json);
  if (!object.ok()) return object.status();
  return std::static_pointer_cast<const Service>(*std::move(object));
}

std::vector<std::string> Ports(const Service& service) {
  std::vector<std::string> ports;
  for (const Service::Port& port : service.ports) {
    ports.push_back(fmt::format("{}/{}", port.port, port.node_port));
  }
  return ports;
}

TEST(DecodeService, KeepsItsAddressesAndPorts) {
  const auto service = ServiceOf(R"({
    "type": "LoadBalancer", "clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10", "fd00::a"],
    "externalIPs": ["192.0.2.7"], "selector": {"app": "web"},
    "ports": [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": "web",
               "nodePort": 30080},
              {"name": "metrics", "port": 9090}]})",
                                 R"({"loadBalancer": {"ingress": [
    {"ip": "203.0.113.9"}, {"hostname": "elb.example.org"}]}})");
  ASSERT_TRUE(service.ok()) << service.status();
  EXPECT_EQ((*service)->meta.name, "web");
  EXPECT_EQ((*service)->meta.namespace_name, "shop");
  EXPECT_EQ((*service)->meta.creation_unix_ms, 1795355401000);
  EXPECT_THAT((*service)->meta.labels, IsEmpty());
  EXPECT_THAT((*service)->cluster_ips, ElementsAre("10.96.0.10", "fd00::a"));
  EXPECT_THAT((*service)->shared_ips, ElementsAre("192.0.2.7", "203.0.113.9"));
  EXPECT_THAT(Ports(**service), ElementsAre("80/30080", "9090/0"));
}

TEST(DecodeService, AnOlderServerHasOneClusterAddress) {
  const auto service = ServiceOf(R"({"clusterIP": "10.96.0.10"})");
  ASSERT_TRUE(service.ok()) << service.status();
  EXPECT_THAT((*service)->cluster_ips, ElementsAre("10.96.0.10"));
}

TEST(DecodeService, AHeadlessOneAndAnExternalNameHaveNoAddress) {
  for (const char* spec : {R"({"clusterIP": "None", "clusterIPs": ["None"]})",
                           R"({"type": "ExternalName", "externalName": "example.org"})",
                           R"({"clusterIP": "", "clusterIPs": null, "ports": null})"}) {
    const auto service = ServiceOf(spec);
    ASSERT_TRUE(service.ok()) << service.status();
    EXPECT_THAT((*service)->cluster_ips, IsEmpty()) << spec;
    EXPECT_THAT((*service)->shared_ips, IsEmpty()) << spec;
    EXPECT_THAT((*service)->ports, IsEmpty()) << spec;
  }
}

struct BadService {
  const char* spec;
  const char* status;
  const char* problem;
};

class BadServices : public testing::TestWithParam<BadService> {};

TEST_P(BadServices, AreRefusedWithTheField) {
  const auto service = ServiceOf(GetParam().spec, GetParam().status);
  EXPECT_EQ(service.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(StatusMessage(service.status())), HasSubstr(GetParam().problem));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadServices,
    testing::Values(
        BadService{"[]", "{}", "\"spec\" is not an object"},
        BadService{R"({"clusterIPs": "10.96.0.10"})", "{}", "\"clusterIPs\" is not an array"},
        BadService{R"({"clusterIPs": [7]})", "{}", "\"clusterIPs\" is not a string"},
        BadService{R"({"clusterIP": 7})", "{}", "\"clusterIP\" is not a string"},
        BadService{R"({"externalIPs": [null]})", "{}", "\"externalIPs\" is not a string"},
        BadService{R"({"ports": [80]})", "{}", "not a JSON object"},
        BadService{R"({"ports": [{"port": "80"}]})", "{}", "\"port\" is not a whole number"},
        BadService{R"({"ports": [{"port": 65536}]})", "{}", "\"port\" is not a whole number"},
        BadService{R"({"ports": [{"port": -1}]})", "{}", "\"port\" is not a whole number"},
        BadService{R"({"ports": [{"nodePort": 1.5}]})", "{}", "\"nodePort\" is not a whole number"},
        BadService{"{}", R"({"loadBalancer": []})", "\"loadBalancer\" is not an object"},
        BadService{"{}", R"({"loadBalancer": {"ingress": {}}})", "\"ingress\" is not an array"},
        BadService{"{}", R"({"loadBalancer": {"ingress": [{"ip": 1}]}})",
                   "\"ip\" is not a string"}));

TEST(DecodeService, OneOutsideOfANamespaceIsNone) {
  const auto json = ParseJson(R"({"metadata":{"name":"web","uid":"s-1"}})");
  ASSERT_TRUE(json.ok());
  EXPECT_THAT(std::string(StatusMessage(DecodeService(*json).status())),
              HasSubstr("\"namespace\" is missing"));
}

}  // namespace
}  // namespace leadline::kube
