#include "kube/pods/peer_labels.h"

#include <string>
#include <utility>
#include <vector>

namespace leadline::kube::pods {

LabelSet PodPeerLabels(std::string_view node, const LabelSet& own) {
  std::vector<Label> labels{{"peer_type", "pod"}, {"peer_node", std::string(node)}};
  for (const Label& label : own) labels.push_back({"peer_" + label.name, label.value});
  return LabelSet(std::move(labels));
}

LabelSet NodePeerLabels(std::string_view node) {
  return {{"peer_type", "node"}, {"peer_node", std::string(node)}};
}

}  // namespace leadline::kube::pods
