// A pod and a container as tests of this folder call them.
#pragma once

#include <string>

namespace leadline::agent::meta {

inline const std::string kUid = "8a3f1c52-0d6e-4b7a-9c11-5e2f7d9b0a64";
inline const std::string kId(64, 'a');

}  // namespace leadline::agent::meta
