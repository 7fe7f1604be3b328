#include "agent/protocols/parser_pool.h"

#include <utility>

#include "agent/protocols/protocol_table.h"

namespace leadline::agent::protocols {

std::unique_ptr<base::Parser> ParserPool::Take(base::Protocol protocol) {
  auto& kept = kept_[static_cast<size_t>(protocol)];
  if (kept.empty()) return ProtocolTable()[static_cast<size_t>(protocol) - 1].new_parser();
  std::unique_ptr<base::Parser> parser = std::move(kept.back());
  kept.pop_back();
  return parser;
}

void ParserPool::Return(base::Protocol protocol, std::unique_ptr<base::Parser> parser) {
  parser->End();
  auto& kept = kept_[static_cast<size_t>(protocol)];
  if (kept.size() < kKept) kept.push_back(std::move(parser));
}

}  // namespace leadline::agent::protocols
