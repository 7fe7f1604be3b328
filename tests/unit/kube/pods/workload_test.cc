#include "kube/pods/workload.h"

#include <gtest/gtest.h>

namespace leadline::kube::pods {
namespace {

kube::Owner Owner(const std::string& kind, const std::string& name) {
  return {"v1", kind, name, "uid-" + name};
}

std::string Labels(const std::vector<kube::Owner>& owners) {
  const kube::OwnerChain chain{owners, kube::ChainEnd::kTop};
  LabelSet labels;
  AddOwnerLabels("p", &owners.front(), &chain, labels);
  return labels.ToString();
}

TEST(AddOwnerLabels, NamesTheDirectOwnerTheTopAndTheWorkload) {
  EXPECT_EQ(Labels({Owner("ReplicaSet", "web-5d"), Owner("Deployment", "web")}),
            R"({controller="web", controller_kind="Deployment", owner_kind="ReplicaSet", )"
            R"(owner_name="web-5d", workload="web", workload_type="deployment"})");
  EXPECT_EQ(Labels({Owner("Job", "backup-1"), Owner("CronJob", "backup")}),
            R"({controller="backup", controller_kind="CronJob", owner_kind="Job", )"
            R"(owner_name="backup-1", workload="backup-1", workload_type="job"})");
  EXPECT_EQ(Labels({Owner("StatefulSet", "prom"), Owner("Prometheus", "k8s")}),
            R"({controller="k8s", controller_kind="Prometheus", owner_kind="StatefulSet", )"
            R"(owner_name="prom", workload="prom", workload_type="statefulset"})");
  EXPECT_EQ(Labels({Owner("ReplicaSet", "alone")}),
            R"({controller="alone", controller_kind="ReplicaSet", owner_kind="ReplicaSet", )"
            R"(owner_name="alone", workload="alone", workload_type="replicaset"})");
  EXPECT_EQ(Labels({Owner("ReplicationController", "rc")}),
            R"({controller="rc", controller_kind="ReplicationController", )"
            R"(owner_kind="ReplicationController", owner_name="rc", workload="rc", )"
            R"(workload_type="replicationcontroller"})");
  EXPECT_EQ(Labels({Owner("DaemonSet", "log")}),
            R"({controller="log", controller_kind="DaemonSet", owner_kind="DaemonSet", )"
            R"(owner_name="log", workload="log", workload_type="daemonset"})");
}

TEST(AddOwnerLabels, AStaticPodBelongsToNoController) {
  EXPECT_EQ(Labels({Owner("Node", "n1")}),
            R"({owner_kind="Node", owner_name="n1", workload="p", workload_type="staticpod"})");
}

TEST(AddOwnerLabels, ABarePodIsItsOwnWorkload) {
  LabelSet labels;
  AddOwnerLabels("p", nullptr, nullptr, labels);
  EXPECT_EQ(labels.ToString(), R"({workload="p", workload_type="pod"})");
}

TEST(AddOwnerLabels, WithoutTheChainOnlyTheDirectOwnerIsSaid) {
  LabelSet labels;
  const kube::Owner direct = Owner("ReplicaSet", "web-5d");
  AddOwnerLabels("p", &direct, nullptr, labels);
  EXPECT_EQ(labels.ToString(), R"({owner_kind="ReplicaSet", owner_name="web-5d"})");
}

}  // namespace
}  // namespace leadline::kube::pods
