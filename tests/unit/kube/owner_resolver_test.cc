#include "kube/owner_resolver.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "tests/unit/kube/server/scripted_server.h"
#include "tests/unit/kube/testing.h"

namespace leadline::kube {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using testing::UnorderedElementsAre;

std::string Described(const OwnerChain& chain) {
  std::string text;
  for (const Owner& owner : chain.owners) text += fmt::format("{}/{} ", owner.kind, owner.name);
  static constexpr const char* kEnds[] = {"top",          "forbidden", "not found",
                                          "unknown kind", "too long",  "failed"};
  return text + kEnds[static_cast<int>(chain.end)];
}

OwnerReference Reference(const std::string& kind, const std::string& name) {
  return {"apps/v1", kind, name, "uid-" + name, true};
}

// Objects by name; what is not there is NOT_FOUND.
class FakeSource final : public MetadataSource {
 public:
  struct World {
    Mutex mutex;
    std::map<std::string, ObjectMeta> objects ABSL_GUARDED_BY(mutex);
    std::map<std::string, std::vector<absl::Status>> errors ABSL_GUARDED_BY(mutex);  // last first
    std::vector<std::string> asked ABSL_GUARDED_BY(mutex);

    void Put(const std::string& name, std::vector<OwnerReference> owners = {},
             const std::string& uid = "") ABSL_LOCKS_EXCLUDED(mutex) {
      MutexLock lock(mutex);
      objects[name] = {
          .uid = uid.empty() ? "uid-" + name : uid, .name = name, .owners = std::move(owners)};
    }
    void Fail(const std::string& name, std::vector<absl::Status> with) ABSL_LOCKS_EXCLUDED(mutex) {
      MutexLock lock(mutex);
      errors[name] = std::move(with);
    }
    std::vector<std::string> Asked() ABSL_LOCKS_EXCLUDED(mutex) {
      MutexLock lock(mutex);
      return asked;
    }
  };

  explicit FakeSource(World& world) : world_(world) {}

  absl::StatusOr<ObjectMeta> Get(const Owner& object, const std::string& namespace_name) override {
    MutexLock lock(world_.mutex);
    world_.asked.push_back(namespace_name + "/" + object.name);
    if (auto& errors = world_.errors[object.name]; !errors.empty()) {
      absl::Status error = errors.back();
      errors.pop_back();
      return error;
    }
    const auto it = world_.objects.find(object.name);
    if (it == world_.objects.end()) return absl::NotFoundError("none");
    return it->second;
  }
  void Stop() override {}

 private:
  World& world_;
};

class OwnerResolverTest : public testing::Test {
 protected:
  void Start() {
    resolver_ = std::make_unique<OwnerResolver>(
        options_, std::make_unique<FakeSource>(world_), clock_,
        std::make_unique<FakePauser>(pauses_, hold_pauses_), OwnerMetrics(registry_, "test"),
        [this](const std::string& uid, const OwnerChain& chain) {
          MutexLock lock(mutex_);
          resolved_.push_back(uid + ": " + Described(chain));
          changed_.NotifyAll();
        });
  }
  std::string Resolve(const OwnerReference& direct, const std::string& uid = "pod") {
    if (resolver_ == nullptr) Start();
    MutexLock lock(mutex_);
    const size_t before = resolved_.size();
    EXPECT_TRUE(resolver_->Resolve(uid, "shop", direct));
    while (resolved_.size() == before) changed_.Wait(mutex_);
    return resolved_.back();
  }

  ManualClock clock_{0};
  prometheus::Registry registry_;
  FakePauser::Log pauses_;
  bool hold_pauses_ = false;
  OwnerResolverOptions options_;
  FakeSource::World world_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> resolved_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<OwnerResolver> resolver_;  // stopped first
};

TEST_F(OwnerResolverTest, FollowsControllersToTheTop) {
  world_.Put("web-5d", {Reference("Deployment", "web")});
  OwnerReference other = Reference("Thing", "other");
  other.controller = false;
  world_.Put("web", {other});
  EXPECT_EQ(Resolve(Reference("ReplicaSet", "web-5d")),
            "pod: ReplicaSet/web-5d Deployment/web top");
  EXPECT_THAT(world_.Asked(), ElementsAre("shop/web-5d", "shop/web"));
}

TEST_F(OwnerResolverTest, AsksOnceForTheOwnersOfManyPods) {
  world_.Put("web-5d", {Reference("Deployment", "web")});
  world_.Put("web");
  for (int i = 0; i < 10; ++i) {
    Resolve(Reference("ReplicaSet", "web-5d"), fmt::format("pod-{}", i));
  }
  EXPECT_THAT(world_.Asked(), SizeIs(2));
  EXPECT_EQ(MetricValue(registry_, "test_kube_owner_cache_hits_total"), 18);
  EXPECT_EQ(MetricValue(registry_, "test_kube_owners_cached"), 2);
}

TEST_F(OwnerResolverTest, KnowsAnOwnerByUidAndNotByName) {
  world_.Put("web");
  Resolve(Reference("Deployment", "web"));
  world_.Put("web", {Reference("App", "top")}, "uid-2");
  world_.Put("top");
  OwnerReference successor = Reference("Deployment", "web");
  successor.uid = "uid-2";
  EXPECT_EQ(Resolve(successor), "pod: Deployment/web App/top top");
}

TEST_F(OwnerResolverTest, AnObjectOfAnotherUidIsNotTheOwner) {
  world_.Put("web", {}, "uid-of-a-successor");
  EXPECT_EQ(Resolve(Reference("Deployment", "web")), "pod: Deployment/web not found");
}

struct End {
  absl::Status error;
  const char* name;
  const char* metric;
};

class OwnerEnds : public OwnerResolverTest, public testing::WithParamInterface<End> {};

TEST_P(OwnerEnds, KeepTheNameAndAreRememberedForAWhile) {
  world_.Put("web-5d", {Reference("Rollout", "web")});
  world_.Put("web");
  world_.Fail("web", {GetParam().error});
  const std::string expected =
      fmt::format("pod: ReplicaSet/web-5d Rollout/web {}", GetParam().name);
  EXPECT_EQ(Resolve(Reference("ReplicaSet", "web-5d")), expected);
  EXPECT_EQ(Resolve(Reference("ReplicaSet", "web-5d")), expected);
  EXPECT_THAT(world_.Asked(), SizeIs(2));
  EXPECT_EQ(MetricValue(registry_, "test_kube_owner_chains_total", "end", GetParam().metric), 2);
  EXPECT_EQ(MetricValue(registry_, "test_kube_owner_lookups_total", "result", GetParam().metric),
            1);
  clock_.AdvanceMs(options_.negative_ttl_ms + 1);
  EXPECT_EQ(Resolve(Reference("ReplicaSet", "web-5d")), "pod: ReplicaSet/web-5d Rollout/web top");
}

INSTANTIATE_TEST_SUITE_P(
    All, OwnerEnds,
    testing::Values(End{absl::PermissionDeniedError("403"), "forbidden", "forbidden"},
                    End{absl::NotFoundError("404"), "not found", "not_found"},
                    End{absl::UnimplementedError("CRD"), "unknown kind", "unknown_kind"}));

TEST_F(OwnerResolverTest, TriesAgainWhatMayPass) {
  world_.Put("web");
  world_.Fail("web", {absl::UnavailableError("500"), absl::DeadlineExceededError("silent")});
  EXPECT_EQ(Resolve(Reference("Deployment", "web")), "pod: Deployment/web top");
  EXPECT_THAT(pauses_.Pauses(), SizeIs(2));
}

TEST_F(OwnerResolverTest, GivesUpAfterSomeAttempts) {
  options_.max_attempts = 3;
  world_.Put("web");
  world_.Fail("web", std::vector<absl::Status>(3, absl::UnavailableError("500")));
  EXPECT_EQ(Resolve(Reference("Deployment", "web")), "pod: Deployment/web failed");
  EXPECT_THAT(pauses_.Pauses(), SizeIs(2));
}

TEST_F(OwnerResolverTest, FollowsAFailedChainAgainAfterAWhile) {
  options_.max_attempts = 1;
  world_.Put("web");
  world_.Put("other");
  world_.Fail("web", std::vector<absl::Status>(2, absl::UnavailableError("500")));
  EXPECT_EQ(Resolve(Reference("Deployment", "web"), "pod-1"), "pod-1: Deployment/web failed");
  clock_.AdvanceMs(options_.negative_ttl_ms);
  // Any request wakes the thread; the retry, which fails too, says nothing.
  Resolve(Reference("Deployment", "other"), "pod-2");
  Resolve(Reference("Deployment", "other"), "pod-3");
  clock_.AdvanceMs(options_.negative_ttl_ms);
  Resolve(Reference("Deployment", "other"), "pod-4");
  MutexLock lock(mutex_);
  while (resolved_.size() < 5) changed_.Wait(mutex_);
  EXPECT_THAT(resolved_,
              UnorderedElementsAre("pod-1: Deployment/web failed", "pod-2: Deployment/other top",
                                   "pod-3: Deployment/other top", "pod-4: Deployment/other top",
                                   "pod-1: Deployment/web top"));
}

TEST_F(OwnerResolverTest, ACircleOfOwnersEnds) {
  world_.Put("a", {Reference("Thing", "b")});
  world_.Put("b", {Reference("Thing", "a")});
  EXPECT_EQ(Resolve(Reference("Thing", "a")),
            "pod: Thing/a Thing/b Thing/a Thing/b Thing/a Thing/b Thing/a Thing/b too long");
}

TEST_F(OwnerResolverTest, DoesNotAskForNodes) {
  EXPECT_EQ(Resolve({"v1", "Node", "n1", "uid-n1", true}), "pod: Node/n1 top");
  EXPECT_THAT(world_.Asked(), SizeIs(0));
}

TEST_F(OwnerResolverTest, AFullQueueRefusesAndCounts) {
  options_.max_queued = 2;
  hold_pauses_ = true;
  world_.Fail("web", {absl::UnavailableError("500")});
  Start();
  EXPECT_TRUE(resolver_->Resolve("pod-0", "shop", Reference("Deployment", "web")));
  pauses_.WaitForPauses(1);
  EXPECT_TRUE(resolver_->Resolve("pod-1", "shop", Reference("Deployment", "web")));
  EXPECT_TRUE(resolver_->Resolve("pod-2", "shop", Reference("Deployment", "web")));
  EXPECT_FALSE(resolver_->Resolve("pod-3", "shop", Reference("Deployment", "web")));
  EXPECT_EQ(MetricValue(registry_, "test_kube_owner_requests_dropped_total"), 1);
  resolver_.reset();  // stops in the middle of the pause
}

class ApiMetadataSourceTest : public testing::Test {
 protected:
  absl::StatusOr<ObjectMeta> Get(const Owner& owner) {
    if (source_ == nullptr) {
      auto source = ApiMetadataSource::Open({.url = server_.url()}, clock_);
      EXPECT_TRUE(source.ok());
      source_ = *std::move(source);
    }
    return source_->Get(owner, "shop");
  }
  static Handler Json(const std::string& text) {
    return [text](Exchange& exchange) { exchange.Reply(200, text); };
  }
  // Of all requests so far.
  std::vector<std::string> Targets() {
    std::vector<std::string> targets;
    for (const SeenRequest& request : server_.WaitForRequests(0)) targets.push_back(request.target);
    return targets;
  }

  ManualClock clock_{0};
  ScriptedServer server_;
  std::unique_ptr<ApiMetadataSource> source_;
};

const char kMetadata[] = R"({"kind":"PartialObjectMetadata","metadata":{"name":"web","uid":"u",
  "ownerReferences":[{"apiVersion":"x/v1","kind":"App","name":"a","uid":"b","controller":true}]}})";
const Handler kNotFound = [](Exchange& exchange) { exchange.Reply(404, "{}"); };
const Owner kDeployment{"apps/v1", "Deployment", "web", "u"};
const Owner kCustom{"shop.example/v1", "App", "a", "b"};

TEST_F(ApiMetadataSourceTest, AsksForTheMetadataOnly) {
  server_.Append(Json(kMetadata));
  const auto meta = Get(kDeployment);
  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_EQ(meta->uid, "u");
  EXPECT_EQ(meta->Controller()->name, "a");
  const SeenRequest request = server_.WaitForRequests(1)[0];
  EXPECT_EQ(request.target, "/apis/apps/v1/namespaces/shop/deployments/web");
  EXPECT_EQ(request.headers.at("accept"),
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json");
}

TEST_F(ApiMetadataSourceTest, TakesTheWholeObjectWhereTheServerKnowsNoOther) {
  server_.Append([](Exchange& exchange) { exchange.Reply(406, "{}"); });
  server_.Append(Json(kMetadata));
  EXPECT_TRUE(Get(kDeployment).ok());
  EXPECT_EQ(server_.WaitForRequests(2)[1].headers.at("accept"), "application/json");
}

TEST_F(ApiMetadataSourceTest, FindsCustomKindsByDiscoveryOnce) {
  server_.Route("/apis/shop.example", Json(R"({"versions":[{"version":"v1"}]})"));
  server_.Append(Json(R"({"resources":[{"name":"apps/status","kind":"App","namespaced":true},
    {"name":"apps","kind":"App","namespaced":true},
    {"name":"sites","kind":"Site","namespaced":false}]})"));
  server_.Append(Json(kMetadata));
  server_.Append(Json(kMetadata));
  EXPECT_TRUE(Get(kCustom).ok());
  EXPECT_TRUE(Get({"shop.example/v1", "Site", "s", "x"}).ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Get({"shop.example/v1", "Other", "o", "x"}).status().code(),
              absl::StatusCode::kUnimplemented);
  }
  EXPECT_THAT(Targets(),
              ElementsAre("/apis/shop.example/v1", "/apis/shop.example/v1/namespaces/shop/apps/a",
                          "/apis/shop.example/v1/sites/s", "/apis/shop.example"));
}

TEST_F(ApiMetadataSourceTest, AGroupThatIsNotServedIsAskedForAgainOnlyLater) {
  server_.Route("/apis/shop.example", kNotFound);
  server_.Route("/apis/shop.example/v1", kNotFound);
  EXPECT_EQ(Get(kCustom).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(Get(kCustom).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(Targets(), SizeIs(2));
  clock_.AdvanceMs(Discovery::kTtlMs + 1);
  EXPECT_EQ(Get(kCustom).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(Targets(), SizeIs(4));
}

// An owner reference that was written before the server changed, or after.
TEST_F(ApiMetadataSourceTest, TakesTheVersionThatIsServed) {
  for (const char* unserved : {"v2", "v1beta1"}) {
    server_.Route(fmt::format("/apis/batch/{}", unserved), kNotFound);
    server_.Route(fmt::format("/apis/batch/{}/namespaces/shop/cronjobs/web", unserved), kNotFound);
  }
  server_.Route("/apis/batch", Json(R"({"versions":[{"version":"v1alpha1"},{"version":"v1"}],
    "preferredVersion":{"version":"v1"}})"));
  server_.Route("/apis/batch/v1", Json(R"({"resources":[{"name":"cronjobs","kind":"CronJob",
    "namespaced":true}]})"));
  server_.Route("/apis/batch/v1/namespaces/shop/cronjobs/web", Json(kMetadata));
  for (const char* version : {"batch/v1beta1", "batch/v2", "batch/v1beta1", "batch/v1"}) {
    const auto meta = Get({version, "CronJob", "web", "u"});
    EXPECT_TRUE(meta.ok()) << version << " " << meta.status();
  }
  EXPECT_THAT(
      Targets(),
      ElementsAre("/apis/batch/v1beta1/namespaces/shop/cronjobs/web", "/apis/batch/v1beta1",
                  "/apis/batch", "/apis/batch/v1", "/apis/batch/v1/namespaces/shop/cronjobs/web",
                  "/apis/batch/v2/namespaces/shop/cronjobs/web", "/apis/batch/v2",
                  "/apis/batch/v1/namespaces/shop/cronjobs/web",
                  "/apis/batch/v1/namespaces/shop/cronjobs/web",  // known by now
                  "/apis/batch/v1/namespaces/shop/cronjobs/web"));
}

TEST_F(ApiMetadataSourceTest, AnObjectThatIsGoneIsNotLookedForElsewhere) {
  server_.Route("/apis/apps/v1/namespaces/shop/deployments/web", kNotFound);
  server_.Route("/apis/apps/v1", Json(R"({"resources":[{"name":"deployments","kind":"Deployment",
    "namespaced":true}]})"));
  EXPECT_EQ(Get(kDeployment).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Targets(),
              ElementsAre("/apis/apps/v1/namespaces/shop/deployments/web", "/apis/apps/v1"));
}

TEST_F(ApiMetadataSourceTest, WithoutDiscoveryAnObjectIsGone) {
  server_.Route("/apis/apps/v1/namespaces/shop/deployments/web", kNotFound);
  server_.Route("/apis/apps/v1", [](Exchange& exchange) { exchange.Reply(403, "{}"); });
  EXPECT_EQ(Get(kDeployment).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ApiMetadataSourceTest, TheCoreGroupHasVersionsToo) {
  server_.Route("/api/v2", kNotFound);
  server_.Route("/api", Json(R"({"versions":["v1"]})"));
  server_.Route("/api/v1", Json(R"({"resources":[{"name":"things","kind":"Thing",
    "namespaced":true}]})"));
  server_.Route("/api/v1/namespaces/shop/things/web", Json(kMetadata));
  EXPECT_TRUE(Get({"v2", "Thing", "web", "u"}).ok());
}

TEST_F(ApiMetadataSourceTest, BadAnswersAreErrors) {
  server_.Append(Json("<html>"));
  EXPECT_EQ(Get(kDeployment).status().code(), absl::StatusCode::kInvalidArgument);
  server_.Append(Json(R"({"metadata":{"name":"web"}})"));
  EXPECT_EQ(Get(kDeployment).status().code(), absl::StatusCode::kInvalidArgument);
  server_.Append(Json(R"({"resources":[{"name":"apps","kind":7}]})"));
  EXPECT_EQ(Get(kCustom).status().code(), absl::StatusCode::kInvalidArgument);
  server_.Append([](Exchange& exchange) { exchange.Reply(403, "{}"); });
  EXPECT_EQ(Get(kDeployment).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Get({"", "Thing", "t", "u"}).status().code(), absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace leadline::kube
