// Counters of the agent's own, made in one line.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/registry.h>

namespace leadline::agent {

// A counter without labels, which lives as long as the registry.
inline prometheus::Counter& MakeCounter(prometheus::Registry& registry, const char* name,
                                        const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace leadline::agent
