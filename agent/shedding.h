// What the agent does without, step by step, to keep to its share of the CPUs. To add a step: a row
// in shedding.cc, and one of the table in docs/architecture.md.
//
// Constant data; thread-safe.
#pragma once

#include <string_view>

#include "absl/types/span.h"

#include "agent/probes/probes.h"

namespace leadline::agent {

struct SheddingStep {
  std::string_view text;  // what is done, for people
  probes::Effort effort;
};

// The first is all. Each further one does less: what costs most goes first, and of that a part
// before the whole.
absl::Span<const SheddingStep> SheddingSteps();

// What can be given up, as a metric's label, and how much of it is, from 0 to 1.
struct GivenUp {
  std::string_view what;
  double (*share)(const probes::Effort& effort);
};
absl::Span<const GivenUp> WhatCanBeGivenUp();

}  // namespace leadline::agent
