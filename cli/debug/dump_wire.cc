#include <limits>
#include <vector>

#include "agent/export/definition_encoder.h"
#include "agent/export/definition_stream.h"
#include "agent/export/definition_table.h"
#include "agent/replay.h"
#include "cli/debug/dump.h"
#include "cli/debug/wire_text.h"

namespace leadline::cli {

absl::Status DumpWire(const DumpFlags& flags, std::ostream& out) {
  agent::DefinitionTable table;
  agent::DefinitionEncoder encoder;
  return agent::ReplayBatches(flags.path, [&](const std::vector<agent::SealedBatch>& batches) {
    for (const agent::SealedBatch& sealed : batches) {
      table.Apply(sealed.sequence, sealed.changes);
      while (!table.untold_entities().empty() || !table.untold_series().empty()) {
        v1::Definitions definitions;
        agent::FillDefinitions(table, encoder, &definitions);
        WriteDefinitions(definitions, out);
      }
      table.Acknowledge(sealed.sequence);
      v1::Batch batch;
      if (batch.ParseFromString(sealed.wire)) WriteBatch(batch, out);
    }
  });
}

}  // namespace leadline::cli
