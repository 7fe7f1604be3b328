// Probes whose answers go through the tape of the calling thread (agent/record/tape.h).
//
// To add a method of Probes: a line here, and Fields of its row in row_fields.h. Threading: the
// thread that has the tape.
#pragma once

#include <memory>

#include "agent/probes/probes.h"

namespace leadline::agent::probes {

// `kernel`: none in a replay, which never asks it.
std::unique_ptr<Probes> MakeTaped(std::unique_ptr<Probes> kernel);

}  // namespace leadline::agent::probes
