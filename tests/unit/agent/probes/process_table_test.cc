#include "agent/probes/process_table.h"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

namespace leadline::agent::probes {
namespace {

process_key ProcessKey(const char* command, uint32_t event, uint32_t status = 0) {
  process_key key = {};
  key.cgroup = 7;
  std::memcpy(key.command, command, std::min(std::strlen(command), sizeof(key.command)));
  key.event = event;
  key.status = status;
  return key;
}

TEST(DecodeProcessRow, TakesEveryField) {
  ProcessCounters row;
  const process_key key = ProcessKey("nginx", PROCESS_EXIT, 3 << 8);
  ASSERT_TRUE(DecodeProcessRow(key, {.count = 5, .cpu_ns = 6, .rows = 0}, row));
  EXPECT_EQ(row.cgroup_id, 7u);
  EXPECT_EQ(row.command, "nginx");
  EXPECT_EQ(row.event, ProcessCounters::Event::kExit);
  EXPECT_EQ(row.status, 3u << 8);
  EXPECT_EQ(row.count, 5u);
  EXPECT_EQ(row.cpu_ns, 6u);
}

TEST(DecodeProcessRow, ACommandMayFillItsField) {
  ProcessCounters row;
  const process_key key = ProcessKey("0123456789abcdefg", PROCESS_EXEC);
  ASSERT_TRUE(DecodeProcessRow(key, {}, row));
  EXPECT_EQ(row.command, "0123456789abcdef");
}

TEST(DecodeProcessRow, RefusesUnknownEvents) {
  ProcessCounters row;
  for (const uint32_t event : {0U, static_cast<uint32_t>(PROCESS_EVENT_END), ~0U}) {
    EXPECT_FALSE(DecodeProcessRow(ProcessKey("a", event), {}, row)) << event;
  }
}

}  // namespace
}  // namespace leadline::agent::probes
