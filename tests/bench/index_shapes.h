// Series as they come: an agent's (an entity with its labels, a series has one or none of its own)
// and those of remote write (no entity, nine labels or so each, of which eight are the target's).
// Sixty of a container; two containers a pod, thirty pods a node.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "collector/model/entity_timeline.h"
#include "collector/model/series.h"
#include "collector/store/index/series_index.h"
#include "common/id128.h"
#include "common/labels.h"

namespace leadline::collector::store::index {

inline constexpr int kSeriesATarget = 60;

enum Shape : int64_t { kAgent, kRemoteWrite };

inline std::string HexName(const char* prefix, int number) {
  return prefix + HashId({prefix, std::to_string(number)}).ToHex().substr(0, 10);
}

inline LabelSet TargetLabels(int target) {
  const std::string node = "node-" + std::to_string(target / 60);
  return LabelSet({{"cluster", "main"},
                   {"namespace", "ns-" + std::to_string(target / 2 % 40)},
                   {"pod", HexName("workload-", target / 2)},
                   {"container", target % 2 == 0 ? "app" : "sidecar"},
                   {"node", node},
                   {"job", "kubelet"},
                   {"instance", node + ":10250"},
                   {"uid", HexName("", target / 2)}});
}

inline std::vector<model::SeriesDefinition> SeriesOf(Shape shape, int target) {
  const LabelSet labels = TargetLabels(target);
  std::vector<model::SeriesDefinition> series;
  for (int i = 0; i < kSeriesATarget; ++i) {
    model::SeriesDefinition& one = series.emplace_back();
    one.metric = "container_metric_number_" + std::to_string(i) + "_total";
    if (shape == kAgent) {
      one.entity = HashId({"container", std::to_string(target)});
    } else {
      one.residual = labels;
    }
    if (i % 2 == 0) one.residual.Set("device", "eth" + std::to_string(i % 5));
  }
  return series;
}

inline TimelinePtr TimelineOf(int target) {
  model::EntityVersion version;
  version.id = HashId({"container", std::to_string(target)});
  version.labels = TargetLabels(target);
  auto timeline = std::make_shared<model::EntityTimeline>();
  timeline->Add(version);
  return timeline;
}

}  // namespace leadline::collector::store::index
