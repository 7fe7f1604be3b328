// A resolver under test, a pod and a container for it, and what a collector makes of its updates.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "agent/meta/metadata_resolver.h"
#include "agent/model/entity_id.h"
#include "tests/unit/agent/meta/sample_ids.h"

namespace leadline::agent::meta {

inline const std::string kNextId(64, 'b');
inline const std::string kSandboxId(64, 'c');
inline const std::string kPodPath = "/kubepods/burstable/pod" + kUid;
inline const std::string kPath = kPodPath + "/" + kId;
inline constexpr int64_t kStart = 1'000'000;
inline constexpr int64_t kMinute = 60'000;

inline const kube::OwnerReference kReplicaSet{"apps/v1", "ReplicaSet", "web-5d4f", "rs-uid", true};
inline const kube::OwnerChain kChain{
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
  PodBuilder& Uid(std::string uid) {
    pod_.meta.uid = std::move(uid);
    return *this;
  }
  PodBuilder& Name(std::string name) {
    pod_.meta.name = std::move(name);
    return *this;
  }
  PodBuilder& Created(int64_t unix_ms) {
    pod_.meta.creation_unix_ms = unix_ms;
    return *this;
  }
  PodBuilder& Phase(std::string phase) {
    pod_.phase = std::move(phase);
    return *this;
  }
  PodBuilder& Ips(std::vector<std::string> ips) {
    pod_.ips = std::move(ips);
    return *this;
  }
  PodBuilder& HostIps(std::vector<std::string> ips) {
    pod_.host_ips = std::move(ips);
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

inline const char kWholeContainer[] =
    R"(0: {container="app", controller="web", controller_kind="Deployment", image="shop/web:1", )"
    R"(namespace="shop", owner_kind="ReplicaSet", owner_name="web-5d4f", pod="web-1", )"
    R"(workload="web", workload_type="deployment"} app=web)";
inline const char kWholePod[] =
    R"(0: {controller="web", controller_kind="Deployment", namespace="shop", )"
    R"(owner_kind="ReplicaSet", owner_name="web-5d4f", pod="web-1", workload="web", )"
    R"(workload_type="deployment"} app=web)";

}  // namespace leadline::agent::meta
