// What a stream's exchange says in the end: whether it was an RPC or not, how it went, and what of
// it is not known. Pure.
#pragma once

#include "agent/protocols/base/connection_info.h"
#include "agent/protocols/http2/streams.h"

namespace leadline::agent::protocols::http2 {

// Fills in the exchange's kind, text, status, error and flags. `side` is whose view it is: not all
// that a client takes for an error is one of the server's.
void Finish(Stream& stream, base::Side side);

}  // namespace leadline::agent::protocols::http2
