// What a program finds around it, for those who must not ask the process itself.
#pragma once

#include <functional>
#include <string>

namespace leadline::kube::config {

// The value of an environment variable; "" where it is not set.
using Environment = std::function<std::string(const std::string& name)>;

// The process's own. Not while another thread sets variables.
Environment ProcessEnvironment();

}  // namespace leadline::kube::config
