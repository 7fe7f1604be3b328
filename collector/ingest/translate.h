// Checks a Batch message and turns it into what the store takes.
#pragma once

#include <cstdint>

#include "collector/ingest/limits.h"
#include "collector/ingest/refusal.h"
#include "collector/ingest/session_tables.h"
#include "collector/store/store.h"
#include "leadline/v1/ingest.pb.h"

namespace leadline::collector::ingest {

// Fills in everything but the writer. `newest_ms`: timestamps beyond are refused. The sequence's
// place is not checked here. Samples are counted into `samples`.
MaybeRefusal Translate(const v1::Batch& message, int64_t newest_ms, SessionTables& tables,
                       store::WriteBatch* batch, uint64_t* samples);

}  // namespace leadline::collector::ingest
