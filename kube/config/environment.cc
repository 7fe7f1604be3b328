#include "kube/config/environment.h"

#include <cstdlib>

namespace leadline::kube::config {

Environment ProcessEnvironment() {
  return [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return std::string(value == nullptr ? "" : value);
  };
}

}  // namespace leadline::kube::config
