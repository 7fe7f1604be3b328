#include "kube/pods/pod_watcher.h"

#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "common/mutex.h"
#include "tests/unit/kube/server/scripted_server.h"

namespace leadline::kube::pods {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using testing::UnorderedElementsAre;

std::string PodJson(const std::string& name, int version, const std::string& owner = "") {
  const std::string owners =
      owner.empty()
          ? ""
          : fmt::format(R"(,"ownerReferences":[{{"apiVersion":"apps/v1","controller":true,)"
                        R"("kind":"ReplicaSet","name":"{0}","uid":"uid-{0}"}}])",
                        owner);
  return fmt::format(R"({{"metadata":{{"name":"{0}","namespace":"shop","uid":"uid-{0}",)"
                     R"("resourceVersion":"{1}"{2}}}}})",
                     name, version, owners);
}

Handler List(const std::vector<std::string>& pods) {
  return [pods](Exchange& exchange) {
    exchange.Reply(200, fmt::format(R"({{"metadata":{{"resourceVersion":"10"}},"items":[{}]}})",
                                    fmt::join(pods, ",")));
  };
}

std::string Event(const std::string& type, const std::string& object) {
  return fmt::format(R"({{"type":"{}","object":{}}})", type, object) + "\n";
}

Handler Watch(const std::string& text) {
  return [text](Exchange& exchange) {
    exchange.BeginStream();
    exchange.Chunk(text);
    exchange.Hold();
  };
}

Handler Metadata(const std::string& name, const std::string& owners = "") {
  return [name, owners](Exchange& exchange) {
    exchange.Reply(
        200, fmt::format(R"({{"metadata":{{"name":"{0}","uid":"uid-{0}"{1}}}}})", name, owners));
  };
}

class Gate {
 public:
  void Wait() {
    MutexLock lock(mutex_);
    while (!open_) changed_.Wait(mutex_);
  }
  void Open() {
    MutexLock lock(mutex_);
    open_ = true;
    changed_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
};

class PodWatcherTest : public testing::Test {
 protected:
  void Start(std::vector<Handler> script, size_t queue_capacity = 100) {
    for (Handler& handler : script) server_.Append(std::move(handler));
    PodWatcher::Options options{.client = {.url = server_.url()},
                                .node = "n1",
                                .metrics_prefix = "test",
                                .queue_capacity = queue_capacity};
    options.on_event = [this] {
      MutexLock lock(mutex_);
      ++notified_;
      changed_.NotifyAll();
    };
    auto watcher = PodWatcher::Start(std::move(options), registry_);
    ASSERT_TRUE(watcher.ok()) << watcher.status();
    watcher_ = *std::move(watcher);
  }

  // The next `count` events.
  std::vector<std::string> Events(size_t count) {
    std::vector<std::string> events;
    while (events.size() < count) {
      size_t seen;
      {
        MutexLock lock(mutex_);
        seen = notified_;
      }
      for (const PodEvent& event : watcher_->Take(count - events.size())) {
        events.push_back(Describe(event));
      }
      MutexLock lock(mutex_);
      while (events.size() < count && notified_ == seen) changed_.Wait(mutex_);
    }
    return events;
  }

  static std::string Describe(const PodEvent& event) {
    if (const auto* applied = std::get_if<PodApplied>(&event)) {
      return "applied " + applied->pod->meta.name;
    }
    if (const auto* deleted = std::get_if<PodDeleted>(&event)) {
      return "deleted " + deleted->pod->meta.name;
    }
    if (const auto* owners = std::get_if<OwnersResolved>(&event)) {
      std::string text = "owners " + owners->pod_uid;
      for (const Owner& owner : owners->chain.owners) text += " " + owner.name;
      return text;
    }
    return "synced";
  }

  prometheus::Registry registry_;
  ScriptedServer server_;
  Mutex mutex_;
  CondVar changed_;
  size_t notified_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<PodWatcher> watcher_;  // stopped first
};

const char kOwnedByDeployment[] =
    R"(,"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web",)"
    R"("uid":"uid-web","controller":true}])";

TEST_F(PodWatcherTest, DeliversPodsAndThenTheirOwners) {
  server_.Route("/apis/apps/v1/namespaces/shop/replicasets/rs", Metadata("rs", kOwnedByDeployment));
  server_.Route("/apis/apps/v1/namespaces/shop/deployments/web", Metadata("web"));
  Start(
      {List({PodJson("a", 1, "rs"), PodJson("b", 2)}), Watch(Event("DELETED", PodJson("b", 11)))});
  std::vector<std::string> events = Events(5);
  const auto owners = std::find(events.begin(), events.end(), "owners uid-a rs web");
  ASSERT_NE(owners, events.end()) << testing::PrintToString(events);
  EXPECT_NE(owners, events.begin());
  events.erase(owners);
  EXPECT_THAT(events, ElementsAre("applied a", "applied b", "synced", "deleted b"));
  EXPECT_TRUE(watcher_->synced());
}

TEST_F(PodWatcherTest, FollowsAgainOnlyAChainThatDidNotReachItsTop) {
  server_.Route("/apis/apps/v1/namespaces/shop/replicasets/rs", Metadata("rs"));
  server_.Route("/apis/apps/v1/namespaces/shop/replicasets/secret",
                [](Exchange& exchange) { exchange.Reply(403, "{}"); });
  Gate first_seen;
  Start({List({PodJson("a", 1, "rs"), PodJson("b", 2, "secret")}), [&](Exchange& exchange) {
           first_seen.Wait();
           exchange.BeginStream();
           exchange.Chunk(Event("MODIFIED", PodJson("a", 11, "rs")) +
                          Event("MODIFIED", PodJson("b", 12, "secret")) +
                          Event("MODIFIED", PodJson("a", 13)));
           exchange.Hold();
         }});
  EXPECT_THAT(Events(5), UnorderedElementsAre("applied a", "applied b", "synced", "owners uid-a rs",
                                              "owners uid-b secret"));
  first_seen.Open();
  EXPECT_THAT(Events(4),
              UnorderedElementsAre("applied a", "applied b", "applied a", "owners uid-b secret"));
}

TEST_F(PodWatcherTest, AFullQueueHoldsTheStreamAndLosesNothing) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += Event("ADDED", PodJson(fmt::format("p{}", i), 100 + i));
  Start({List({}), Watch(text)}, 1);
  const std::vector<std::string> events = Events(51);
  ASSERT_THAT(events, SizeIs(51));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(events[i + 1], fmt::format("applied p{}", i));
}

TEST_F(PodWatcherTest, StopsWhileNobodyTakesAnything) {
  Start({List({PodJson("a", 1), PodJson("b", 2), PodJson("c", 3)})}, 1);
  server_.WaitForRequests(1);
  watcher_.reset();
}

TEST(PodWatcher, RefusesAConfigurationThatCannotWork) {
  prometheus::Registry registry;
  EXPECT_EQ(PodWatcher::Start(
                {.client = {.url = "nonsense"}, .node = "n1", .metrics_prefix = "test"}, registry)
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace leadline::kube::pods
