// Definitions as a spool keeps them: leadline.v1.Definitions messages, each after its length.
//
// Threading: any; the table and the encoder are the caller's.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "agent/export/definition_encoder.h"
#include "agent/export/definition_table.h"
#include "leadline/v1/ingest.pb.h"

namespace leadline::agent {

// Of a message, which is encoded in one go.
inline constexpr size_t kDefinitionsBytes = 128 << 10;

// Moves what the table has not told into the message, as far as it goes.
void FillDefinitions(DefinitionTable& table, DefinitionEncoder& encoder, v1::Definitions* message);

// Everything that the table has not told.
std::string EncodeDefinitions(DefinitionTable& table, DefinitionEncoder& encoder);

// Takes the first message off `stream`; nullopt when there is none in it.
std::optional<std::string_view> TakeDefinitions(std::string_view& stream);

}  // namespace leadline::agent
