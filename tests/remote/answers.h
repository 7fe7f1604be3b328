// What two servers of Prometheus' HTTP API answer, to be compared.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace leadline::collector::remotetest {

// All samples of the series that the selector matches, up to `end_ms`: a line a series, sorted.
// "error: …" where there is no answer.
std::string AllSamples(uint16_t port, const std::string& selector, int64_t end_ms);

// The native histograms that the query has at a time, sorted, without labels.
std::vector<std::string> HistogramsAt(uint16_t port, const std::string& query, int64_t ts_ms);

// The answer's body, or "error: …".
std::string Get(uint16_t port, const std::string& target);

// Asks until `done` says so or the time is over; whether it did.
bool Eventually(const std::function<bool()>& done, absl::Duration at_most = absl::Minutes(1));

// A free port of none of those that connections take for their own end: who connects again and
// again to a port that nobody listens on for a while may get that very one, and keeps it.
uint16_t PortForRestarts();

}  // namespace leadline::collector::remotetest
