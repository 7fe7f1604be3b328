// What an earlier process left in the spool, as something that can be delivered.
//
// Any thread.
#pragma once

#include <memory>
#include <string>

#include "agent/export/send_state.h"
#include "agent/spool/spool.h"
#include "prometheus/registry.h"

namespace leadline::agent {

// Ends when all is acknowledged. Lost batches behind the last that is there are declared with an
// empty one of the next number. Counts what is damaged as dropped.
std::unique_ptr<SendState> MakeReplay(
    const spool::Recovered& recovered, const std::string& spool_dir,
    const std::shared_ptr<const spool::DefinitionIndex>& definitions,
    prometheus::Registry& registry);

}  // namespace leadline::agent
