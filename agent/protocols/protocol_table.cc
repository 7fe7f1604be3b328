#include "agent/protocols/protocol_table.h"

namespace leadline::agent::protocols {

// What every folder defines.
#define LL_PROTOCOL(id, folder, name, transports, ...) \
  namespace folder {                                   \
  unsigned int Detect(const ll_detect_head& head);     \
  std::unique_ptr<base::Parser> NewParser();           \
  constexpr uint16_t kPorts[] = {__VA_ARGS__};         \
  }
#include "agent/protocols/base/protocols.def"
#undef LL_PROTOCOL

absl::Span<const ProtocolRow> ProtocolTable() {
  static constexpr ProtocolRow kTable[] = {
#define LL_PROTOCOL(id, folder, name, transports, ...) \
  {base::Protocol::k##id, transports, folder::kPorts, folder::Detect, folder::NewParser},
#include "agent/protocols/base/protocols.def"
#undef LL_PROTOCOL
  };
  return kTable;
}

}  // namespace leadline::agent::protocols
