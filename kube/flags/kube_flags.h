// The command line options that say which API server to speak to, and how.
#pragma once

#include "kube/config/choice.h"

namespace CLI {
class App;
}

namespace leadline::kube::flags {

// `choice` outlives the parsing.
void AddKubeFlags(CLI::App& app, config::Choice& choice);

}  // namespace leadline::kube::flags
