// The labels of whoever is at the other end of a connection to a pod or a node.
//
// Pure and thread-safe.
#pragma once

#include <string_view>

#include "common/labels.h"

namespace leadline::kube::pods {

// peer_type="pod", peer_node, and with peer_ before them the labels that the pod's own series have.
LabelSet PodPeerLabels(std::string_view node, const LabelSet& own);

// peer_type="node" and peer_node.
LabelSet NodePeerLabels(std::string_view node);

}  // namespace leadline::kube::pods
