// What the pod watcher, the collector and the runtimes tell, as recordings keep it
// (agent/record/archive.h).
//
// Fields are added at the end only: their order is that of recordings.
#pragma once

#include "agent/meta/meta_event.h"
#include "agent/model/container_names.h"
#include "agent/model/peer_question.h"
#include "agent/record/archive.h"
#include "common/labels.h"
#include "kube/object.h"
#include "kube/owner_chain.h"
#include "kube/pod.h"

// Found by the archives' namespace, since the structs are in several.
namespace leadline::agent::record {

template <typename Archive>
void Fields(Archive& archive, Label& label) {
  archive("name", label.name, "value", label.value);
}
template <typename Archive>
void Fields(Archive& archive, kube::OwnerReference& owner) {
  archive("api_version", owner.api_version, "kind", owner.kind, "name", owner.name, "uid",
          owner.uid, "controller", owner.controller);
}
template <typename Archive>
void Fields(Archive& archive, kube::ObjectMeta& meta) {
  archive("uid", meta.uid, "name", meta.name, "namespace", meta.namespace_name, "resource_version",
          meta.resource_version, "labels", meta.labels, "owners", meta.owners, "creation_unix_ms",
          meta.creation_unix_ms, "deletion_unix_ms", meta.deletion_unix_ms);
}
template <typename Archive>
void Fields(Archive& archive, kube::Container& container) {
  archive("name", container.name, "type", container.type, "image", container.image, "state",
          container.state, "container_id", container.container_id, "former_container_ids",
          container.former_container_ids);
}
template <typename Archive>
void Fields(Archive& archive, kube::Pod& pod) {
  archive("meta", pod.meta, "node_name", pod.node_name, "phase", pod.phase, "host_network",
          pod.host_network, "ips", pod.ips, "containers", pod.containers, "static_uid",
          pod.static_uid, "host_ips", pod.host_ips);
}
template <typename Archive>
void Fields(Archive& archive, kube::Owner& owner) {
  archive("api_version", owner.api_version, "kind", owner.kind, "name", owner.name, "uid",
          owner.uid);
}
template <typename Archive>
void Fields(Archive& archive, kube::OwnerChain& chain) {
  archive("owners", chain.owners, "end", chain.end);
}

template <typename Archive>
void Fields(Archive& archive, ContainerNames& names) {
  archive("container", names.container, "image", names.image, "pod", names.pod, "namespace",
          names.namespace_name, "pod_uid", names.pod_uid);
}

template <typename Archive>
void Fields(Archive& archive, meta::PodApplied& event) {
  archive("applied", event.pod);
}
template <typename Archive>
void Fields(Archive& archive, meta::PodDeleted& event) {
  archive("deleted", event.pod);
}
template <typename Archive>
void Fields(Archive& archive, meta::OwnersResolved& event) {
  archive("pod_uid", event.pod_uid, "chain", event.chain);
}
template <typename Archive>
void Fields(Archive&, meta::PodsSynced&) {}
template <typename Archive>
void Fields(Archive& archive, PeerAnswer& answer) {
  archive("address", answer.endpoint.address, "port", answer.endpoint.port, "labels", answer.labels,
          "since_ms", answer.since_ms);
}

}  // namespace leadline::agent::record
