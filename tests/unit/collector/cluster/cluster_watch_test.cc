// The watches of a cluster, against a server that does what it is told to.
#include "collector/cluster/cluster_watch.h"

#include <map>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "prometheus/registry.h"
#include "tests/unit/kube/server/scripted_server.h"

namespace leadline::collector::cluster {
namespace {

using kube::Exchange;

constexpr char kPods[] = "/api/v1/pods";
constexpr char kServices[] = "/api/v1/services";
constexpr char kSlices[] = "/apis/discovery.k8s.io/v1/endpointslices";
constexpr char kPod[] =
    R"({"metadata":{"name":"web-1","namespace":"shop","uid":"p-1","resourceVersion":"1",)"
    R"("ownerReferences":[{"apiVersion":"apps/v1","kind":"StatefulSet","name":"web",)"
    R"("uid":"ss-1","controller":true}]},"spec":{"nodeName":"n2"},)"
    R"("status":{"phase":"Running","podIP":"10.0.0.1","hostIP":"192.0.2.1"}})";
constexpr char kService[] =
    R"({"metadata":{"name":"web","namespace":"shop","uid":"s-1","resourceVersion":"2"},)"
    R"("spec":{"clusterIPs":["10.96.0.1"],"ports":[{"port":80,"nodePort":30080}]}})";
constexpr char kSlice[] =
    R"({"metadata":{"name":"web-x","namespace":"shop","uid":"e-1","resourceVersion":"3",)"
    R"("labels":{"kubernetes.io/service-name":"web"}},)"
    R"("endpoints":[{"targetRef":{"kind":"Pod","uid":"p-1"}}]})";

class ClusterWatchTest : public testing::Test {
 protected:
  // A list with the one object, and a watch that stays open.
  void Serve(const std::string& path, const std::string& object) {
    server_.Route(path, [this, path, object](Exchange& exchange) {
      const bool is_watch = exchange.request().query.contains("watch");
      Count(path + (is_watch ? " watch" : " list"));
      if (is_watch) {
        exchange.BeginStream();
        exchange.Hold();
      } else {
        exchange.Reply(
            200, fmt::format(R"({{"metadata":{{"resourceVersion":"9"}},"items":[{}]}})", object));
      }
    });
  }
  void Forbid(const std::string& path) {
    server_.Route(path, [this, path](Exchange& exchange) {
      Count(path + " refused");
      exchange.Reply(403, R"({"message":"no"})");
    });
  }
  void ServeOwner() {
    server_.Route("/apis/apps/v1/namespaces/shop/statefulsets/web", [this](Exchange& exchange) {
      Count("owner");
      exchange.Reply(200, R"({"metadata":{"name":"web","uid":"ss-1"}})");
    });
  }
  void Start() {
    auto watch = ClusterWatch::Start({.url = server_.url()}, directory_, registry_);
    ASSERT_TRUE(watch.ok()) << watch.status();
    watch_ = *std::move(watch);
  }

  // Until that is told of the address and port; what was told last otherwise.
  std::string Await(const char* address, uint16_t port, const std::string& want) {
    std::string last;
    MutexLock lock(mutex_);
    for (int i = 0; i < 3000 && last != want; ++i) {
      last = told_[{address, port}];
      if (last != want) changed_.WaitFor(mutex_, absl::Milliseconds(10));
    }
    return last;
  }
  // From now on.
  void Ask(const std::vector<std::pair<const char*, uint16_t>>& asked) {
    inquiry_ = Directory::Inquire(directory_, [this] { Take(); });
    for (const auto& [address, port] : asked) {
      inquiry_->Ask({IpEndpoint{*ParseIpAddress(address), port}});
    }
  }
  double Forbidden() {
    double sum = 0;
    for (const auto& family : registry_.Collect()) {
      if (family.name != "leadline_collector_kube_lists_total") continue;
      for (const auto& metric : family.metric) {
        for (const auto& label : metric.label) {
          if (label.value == "forbidden") sum += metric.counter.value;
        }
      }
    }
    return sum;
  }
  int counted(const std::string& what) {
    MutexLock lock(mutex_);
    return counts_[what];
  }

 private:
  void Count(const std::string& what) {
    MutexLock lock(mutex_);
    ++counts_[what];
  }
  void Take() {
    MutexLock lock(mutex_);  // so that nothing passes what is newer
    for (const Answer& answer : inquiry_->Take(100)) {
      told_[{ToText(answer.endpoint.address), answer.endpoint.port}] = answer.who.labels.ToString();
    }
    changed_.NotifyAll();
  }

 protected:
  prometheus::Registry registry_;
  std::shared_ptr<Directory> directory_ =
      std::make_shared<Directory>(Directory::Options{}, SystemClock(), registry_);
  Mutex mutex_;
  CondVar changed_;
  std::map<std::string, int> counts_ ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<std::string, uint16_t>, std::string> told_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Directory::Inquiry> inquiry_;
  kube::ScriptedServer server_;
  std::unique_ptr<ClusterWatch> watch_;  // stopped first
};

constexpr char kWebService[] =
    R"({peer_namespace="shop", peer_service="web", peer_type="service", peer_workload="web", )"
    R"(peer_workload_type="statefulset"})";
constexpr char kWebPod[] =
    R"({peer_controller="web", peer_controller_kind="StatefulSet", peer_namespace="shop", )"
    R"(peer_node="n2", peer_owner_kind="StatefulSet", peer_owner_name="web", peer_pod="web-1", )"
    R"(peer_type="pod", peer_workload="web", peer_workload_type="statefulset"})";

TEST_F(ClusterWatchTest, FollowsPodsServicesAndEndpointsByOneWatchEach) {
  Serve(kPods, kPod);
  Serve(kServices, kService);
  Serve(kSlices, kSlice);
  ServeOwner();
  Ask({{"10.0.0.1", 80}, {"10.96.0.1", 80}, {"192.0.2.1", 30080}, {"192.0.2.1", 0}});
  Start();
  EXPECT_EQ(Await("10.0.0.1", 80, kWebPod), kWebPod);
  EXPECT_EQ(Await("10.96.0.1", 80, kWebService), kWebService);
  EXPECT_EQ(Await("192.0.2.1", 30080, kWebService), kWebService);
  EXPECT_EQ(Await("192.0.2.1", 0, R"({peer_node="n2", peer_type="node"})"),
            R"({peer_node="n2", peer_type="node"})");
  server_.WaitForRequests(7);
  for (const char* path : {kPods, kServices, kSlices}) {
    EXPECT_EQ(counted(std::string(path) + " list"), 1) << path;
    EXPECT_EQ(counted(std::string(path) + " watch"), 1) << path;
  }
  EXPECT_EQ(counted("owner"), 1);
}

TEST_F(ClusterWatchTest, GoesOnWithoutWhatItMayNotRead) {
  Serve(kPods, kPod);
  Forbid(kServices);
  Forbid(kSlices);
  ServeOwner();
  Ask({{"10.0.0.1", 80}, {"10.96.0.1", 80}});
  Start();
  EXPECT_EQ(Await("10.0.0.1", 80, kWebPod), kWebPod);
  EXPECT_EQ(Await("10.96.0.1", 80, "{}"), "{}");
  server_.WaitForRequests(5);
  for (int i = 0; i < 3000 && Forbidden() < 2; ++i) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_GE(Forbidden(), 2);
}

TEST_F(ClusterWatchTest, WithoutPodsServicesAreToldAllTheSame) {
  Forbid(kPods);
  Serve(kServices, kService);
  Serve(kSlices, kSlice);
  Ask({{"10.96.0.1", 80}});
  Start();
  const std::string want = R"({peer_namespace="shop", peer_service="web", peer_type="service"})";
  EXPECT_EQ(Await("10.96.0.1", 80, want), want);
}

TEST(ClusterWatch, RefusesAConfigurationThatCannotWork) {
  prometheus::Registry registry;
  const auto directory = std::make_shared<Directory>(Directory::Options{}, SystemClock(), registry);
  EXPECT_EQ(ClusterWatch::Start({.url = "nonsense"}, directory, registry).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace leadline::collector::cluster
