// Revisions of an entity's versions: larger is newer, also across restarts of the agent.
//
// The pod's resourceVersion leads, so that whoever saw the newer object wins; then what was learned
// beside the object; then a step. Resource versions of 2^47 and more (no etcd has them, other
// servers may) keep their order but leave no room for the rest. One that is no number counts as 0.
// Pure and thread-safe.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace leadline::agent::meta {

// Who gave an entity its own name; the later one is the better source.
enum class NamedBy : uint8_t { kNobody, kRuntime, kApi };

struct RevisionParts {
  uint64_t resource_version = 0;
  NamedBy named_by = NamedBy::kNobody;
  bool owners_known = false;  // the whole chain
  bool ended = false;
};

inline uint64_t ParseResourceVersion(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

// Larger than `last`, the revision that the entity had before.
inline uint64_t NextRevision(uint64_t last, const RevisionParts& parts) {
  constexpr uint64_t kTopBit = uint64_t{1} << 63;
  const bool fits = parts.resource_version < uint64_t{1} << 47;
  const uint64_t base = fits
                            ? parts.resource_version << 16 | (parts.ended ? uint64_t{1} << 15 : 0) |
                                  (parts.owners_known ? uint64_t{1} << 14 : 0) |
                                  static_cast<uint64_t>(parts.named_by) << 12
                            : kTopBit | parts.resource_version;
  return std::max(last + 1, base);
}

}  // namespace leadline::agent::meta
