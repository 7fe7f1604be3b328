// The pods of this node that are known: from the API, from their cgroups, or from both.
//
// A pod stays while the API has it, for a while after that, and as long as it has entities.
// Times are milliseconds since the Unix epoch. Not thread-safe. References to a pod are valid until
// it is forgotten.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/meta/meta_event.h"
#include "agent/meta/pod_record.h"
#include "agent/meta/resolver_metrics.h"
#include "common/ended_set.h"
#include "common/string_map.h"
#include "kube/owner_chain.h"
#include "kube/pod.h"

namespace leadline::agent::meta {

class PodTable {
 public:
  // At most `max_ended` pods that the API has no longer, and owner chains of pods that it has not
  // named yet. `metrics` outlives the table.
  PodTable(size_t max_ended, ResolverMetrics& metrics) : max_ended_(max_ended), metrics_(metrics) {}

  // The pod whose cgroups carry that uid; made when it is not known.
  PodRecord& Get(std::string_view cgroup_uid);

  // The pod as the API has it from `now_ms` on.
  PodRecord& Apply(const std::shared_ptr<const kube::Pod>& pod, int64_t now_ms);
  // The API has the pod no longer. nullptr when another has taken its cgroups, which is kept.
  PodRecord* Delete(const std::shared_ptr<const kube::Pod>& pod, int64_t now_ms);
  // nullptr when the API has not named the pod: its owners are kept until it does.
  PodRecord* SetOwners(const OwnersResolved& owners);

  // The pod is gone unless the API has it or it has entities.
  void ForgetIfUnused(PodRecord& pod);
  // Gives up those that the API has had no longer since `before_ms`.
  void Expire(int64_t before_ms);

  size_t size() const { return by_cgroup_uid_.size(); }

 private:
  const size_t max_ended_;
  ResolverMetrics& metrics_;
  StringMap<std::unique_ptr<PodRecord>> by_cgroup_uid_;
  StringMap<std::string> cgroup_uids_;        // by metadata.uid, of pods that the API has named
  StringMap<kube::OwnerChain> early_chains_;  // by metadata.uid, of pods that it has not
  EndedSet<std::string> deleted_;             // by the uid that their cgroups carry
};

}  // namespace leadline::agent::meta
