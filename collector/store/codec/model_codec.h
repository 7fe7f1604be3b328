// Labels, entity versions and histograms as bytes, as the log and the windows keep them.
//
// Format: docs/format/log.md. Readers fail through ByteReader::ok(). Not synchronized.
#pragma once

#include <string>

#include "collector/model/entity.h"
#include "collector/model/sample.h"
#include "common/bytes.h"
#include "common/id128.h"
#include "common/labels.h"

namespace leadline::collector::store::codec {

void AppendId(const Id128& id, std::string& out);
Id128 ReadId(ByteReader& reader);

void AppendLabels(const LabelSet& labels, std::string& out);
LabelSet ReadLabels(ByteReader& reader);

void AppendEntityVersion(const model::EntityVersion& version, std::string& out);
model::EntityVersion ReadEntityVersion(ByteReader& reader);

void AppendHistogram(const model::NativeHistogram& histogram, std::string& out);
model::NativeHistogram ReadHistogram(ByteReader& reader);

}  // namespace leadline::collector::store::codec
