#include "agent/export/definition_stream.h"

#include <google/protobuf/arena.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace leadline::agent {

void FillDefinitions(DefinitionTable& table, DefinitionEncoder& encoder, v1::Definitions* message) {
  encoder.Begin(message);
  const auto take = [&](auto& untold) {
    while (!untold.empty() && encoder.bytes() < kDefinitionsBytes) {
      encoder.Add(untold.front());
      untold.pop_front();
    }
  };
  take(table.untold_entities());
  take(table.untold_series());
}

std::string EncodeDefinitions(DefinitionTable& table, DefinitionEncoder& encoder) {
  std::string stream;
  google::protobuf::io::StringOutputStream out(&stream);
  google::protobuf::io::CodedOutputStream coded(&out);
  google::protobuf::Arena arena;
  while (!table.untold_entities().empty() || !table.untold_series().empty()) {
    arena.Reset();
    auto* message = google::protobuf::Arena::CreateMessage<v1::Definitions>(&arena);
    FillDefinitions(table, encoder, message);
    coded.WriteVarint32(static_cast<uint32_t>(message->ByteSizeLong()));
    message->SerializeWithCachedSizes(&coded);
  }
  coded.Trim();
  return stream;
}

std::optional<std::string_view> TakeDefinitions(std::string_view& stream) {
  google::protobuf::io::CodedInputStream coded(reinterpret_cast<const uint8_t*>(stream.data()),
                                               static_cast<int>(stream.size()));
  uint32_t size = 0;
  if (!coded.ReadVarint32(&size)) return std::nullopt;
  const auto begin = static_cast<size_t>(coded.CurrentPosition());
  if (size > stream.size() - begin) return std::nullopt;
  const std::string_view message = stream.substr(begin, size);
  stream.remove_prefix(begin + size);
  return message;
}

}  // namespace leadline::agent
