// Names in the annotations (OCI) or labels (Docker) that runtimes and their Kubernetes sides write.
//
// Pure and thread-safe.
#pragma once

#include <optional>

#include "boost/json/fwd.hpp"

#include "agent/model/container_names.h"

namespace leadline::agent::runtimes {

// nullopt when none of those that we know is there.
std::optional<ContainerNames> NamesIn(const boost::json::object* annotations);

}  // namespace leadline::agent::runtimes
