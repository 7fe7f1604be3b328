#include "kube/object.h"

#include <algorithm>

namespace leadline::kube {

const OwnerReference* ObjectMeta::Controller() const {
  const auto it = std::find_if(owners.begin(), owners.end(),
                               [](const OwnerReference& owner) { return owner.controller; });
  return it == owners.end() ? nullptr : &*it;
}

}  // namespace leadline::kube
