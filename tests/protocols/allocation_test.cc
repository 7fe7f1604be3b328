// Nothing is allocated for a chunk or a request on a shard that has seen the like before, whatever
// the protocol: every transcript is run again and again by the same connection.
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include "agent/protocols/base/shard.h"
#include "agent/protocols/connection.h"
#include "agent/protocols/parser_pool.h"
#include "agent/protocols/protocol_table.h"
#include "tests/protocols/replay.h"
#include "tests/protocols/transcript.h"
#include "tests/unit/sanitizers.h"

// The sanitizers have allocators of their own.
#if !LEADLINE_ASAN && !LEADLINE_TSAN

namespace {
uint64_t allocations = 0;
}

void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace leadline::tests::protocols {
namespace {

constexpr int kRunsToWarm = 3;

class DroppingSink : public base::RecordSink {
 public:
  void OnRequest(const base::RequestRecord& /*record*/) override {}
};

TEST(AllocationTest, NoneOnceWarm) {
  for (const agent::protocols::ProtocolRow& row : agent::protocols::ProtocolTable()) {
    for (const Transcript& transcript : LoadTranscripts(base::ProtocolKey(row.protocol))) {
      DroppingSink sink;
      base::Shard shard({}, sink);
      agent::protocols::ParserPool parsers;
      agent::protocols::Connection connection(shard, parsers);
      for (int run = 0; run < kRunsToWarm; ++run) RunThrough(transcript, connection);
      const uint64_t before = allocations;
      RunThrough(transcript, connection);
      // A request that is handed on to another protocol is one, of a connection's few.
      const bool is_upgrade = transcript.name.ends_with("_upgrade.txt");
      EXPECT_LE(allocations - before, is_upgrade ? 1 : 0) << transcript.name;
    }
  }
}

}  // namespace
}  // namespace leadline::tests::protocols

#endif
