// Records of the store's log as text, one a line.
#pragma once

#include <ostream>
#include <string>

#include "collector/model/entity.h"
#include "collector/model/record.h"
#include "collector/model/series.h"
#include "collector/store/log/record.h"

namespace leadline::cli {

std::string SeriesText(const collector::model::SeriesDefinition& series);
std::string EntityText(const collector::model::EntityVersion& version);

std::string KeyedText(const collector::model::Record& record);

// `metric`: only series of it are written; "": all.
void WriteStoreRecord(const collector::store::log::Record& record, const std::string& metric,
                      std::ostream& out);

}  // namespace leadline::cli
