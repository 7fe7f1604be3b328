// Series in Prometheus' messages (prometheus.TimeSeries and what is in it), appended to bytes.
//
// The same messages in remote write 1.0 and remote read. Pure functions.
// Source: the specification of remote write 1.0 and of Prometheus' remote read.
#pragma once

#include <cstdint>
#include <string>

#include "collector/model/sample.h"
#include "common/labels.h"

namespace leadline::collector::remote::encode {

// Each as a field of its own.
void AppendLabels(uint32_t field, const LabelSet& labels, std::string& out);
void AppendSample(uint32_t field, int64_t ts_ms, double value, std::string& out);
void AppendHistogram(uint32_t field, int64_t ts_ms, const model::NativeHistogram& histogram,
                     std::string& out);

}  // namespace leadline::collector::remote::encode
