#include "agent/probes/connection_counters.h"

#include <arpa/inet.h>

#include <cstring>

#include <gtest/gtest.h>

namespace leadline::agent::probes {
namespace {

connection_key Key(const char* v6, uint8_t role) {
  connection_key key = {};
  key.cgroup = 7;
  key.role = role;
  EXPECT_EQ(inet_pton(AF_INET6, v6, key.remote), 1);
  return key;
}

TEST(DecodeConnectionKey, TakesEveryField) {
  connection_key key = Key("fd00::1", CONNECTION_SERVER);
  key.local_port = 443;
  key.remote_port = 8080;
  ConnectionCounters row;
  ASSERT_TRUE(DecodeConnectionKey(key, row));
  EXPECT_EQ(row.cgroup_id, 7u);
  EXPECT_EQ(row.peer.role, ConnectionPeer::Role::kServer);
  EXPECT_EQ(row.peer.local_port, 443);
  EXPECT_EQ(row.peer.remote_port, 8080);
  EXPECT_EQ(ToText(row.peer.remote), "fd00::1");
  EXPECT_FALSE(row.peer.other);
  key.other = 1;
  ASSERT_TRUE(DecodeConnectionKey(key, row));
  EXPECT_TRUE(row.peer.other);
}

TEST(DecodeConnectionKey, RefusesUnknownRoles) {
  ConnectionCounters row;
  for (const uint8_t role : {0, 3, 255}) EXPECT_FALSE(DecodeConnectionKey(Key("::", role), row));
}

}  // namespace
}  // namespace leadline::agent::probes
