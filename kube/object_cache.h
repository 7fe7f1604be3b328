// The objects of a kind as last seen, by uid: turns what lists and watches say into changes.
//
// Bounded by what the server has. Not thread-safe. What is passed to `on_change` is already in the
// cache, or no longer.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"

#include "common/string_map.h"
#include "kube/event.h"
#include "kube/object.h"

namespace leadline::kube {

class ObjectCache {
 public:
  using ChangeHandler = absl::FunctionRef<void(Event)>;

  // All objects that there are. What is no longer among them is deleted first, since a successor
  // may have its name.
  void Replace(std::vector<std::shared_ptr<const Object>> listed, ChangeHandler on_change);
  // An object was added or changed; one of a version that is known is no change.
  void Set(std::shared_ptr<const Object> object, ChangeHandler on_change);
  // `object` is its last state. One that is not known is no change.
  void Delete(std::shared_ptr<const Object> object, ChangeHandler on_change);

  size_t size() const { return by_uid_.size(); }

 private:
  StringMap<std::shared_ptr<const Object>> by_uid_;
};

}  // namespace leadline::kube
