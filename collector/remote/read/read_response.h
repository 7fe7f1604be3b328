// The answers of remote read: what the store gave -> bytes.
//
// Sampled: prometheus.ReadResponse, one result a query. Streamed: frames of
// prometheus.ChunkedReadResponse, each with its length as a varint and the CRC-32C of the message,
// big endian, before it. Blocks are written in the order given: sorted by labels, as readers merge
// them. Pure functions. Source: as read_request.h.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "collector/store/store.h"

namespace leadline::collector::remote::read {

// A frame is closed when it has so many bytes, as in Prometheus.
inline constexpr size_t kFrameBytes = 1 << 20;

// Appends the field of one query's result to a ReadResponse.
void AppendResult(const std::vector<store::SeriesBlock>& blocks, std::string& response);

// Appends the frames of one query. Floats only.
void AppendFrames(size_t query, const std::vector<store::SeriesBlock>& blocks,
                  std::string& response);

}  // namespace leadline::collector::remote::read
