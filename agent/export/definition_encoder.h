// Writes definitions as leadline.v1.Definitions messages of a limited size.
//
// Texts come from the kernel and from Kubernetes and are made fit for the wire: bytes that are not
// UTF-8 are replaced and texts over kMaxTextBytes cut; repaired_texts() counts both. Labels whose
// name is none (empty, not UTF-8, over kMaxNameBytes) and those beyond kMaxLabels are left out;
// left_out_labels() counts them. Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/export/definitions.h"
#include "common/string_map.h"
#include "leadline/v1/ingest.pb.h"

namespace leadline::agent {

// What a collector takes; see docs/format/wire.md.
inline constexpr size_t kMaxTextBytes = 16 << 10;
inline constexpr size_t kMaxNameBytes = 512;
inline constexpr size_t kMaxLabels = 512;

class DefinitionEncoder {
 public:
  // Begins a message, which must live until the next Begin.
  void Begin(v1::Definitions* message);

  void Add(const EntityDefinition& definition);
  void Add(const SeriesDefinition& definition);

  // Upper bound of the message's size so far.
  size_t bytes() const { return bytes_; }
  uint64_t repaired_texts() const { return repaired_texts_; }
  uint64_t left_out_labels() const { return left_out_labels_; }

 private:
  uint32_t Text(std::string_view text);
  template <typename Labels>
  void AddLabels(const Labels& labels, google::protobuf::RepeatedField<uint32_t>& pairs);

  v1::Definitions* message_ = nullptr;
  size_t bytes_ = 0;
  StringMap<uint32_t> indices_;
  uint64_t repaired_texts_ = 0;
  uint64_t left_out_labels_ = 0;
};

}  // namespace leadline::agent
