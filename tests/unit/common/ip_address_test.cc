#include "common/ip_address.h"

#include <gtest/gtest.h>

namespace leadline {
namespace {

TEST(IpAddress, IsReadAndWrittenAsPeopleDo) {
  const struct {
    const char* text;
    const char* written;
  } cases[] = {{"::1", "::1"},
               {"10.1.2.3", "10.1.2.3"},
               {"::ffff:10.1.2.3", "10.1.2.3"},
               {"2001:db8:0:0:0:0:0:a", "2001:db8::a"},
               {"::", ""}};
  for (const auto& c : cases) {
    const auto address = ParseIpAddress(c.text);
    ASSERT_TRUE(address) << c.text;
    EXPECT_EQ(ToText(*address), c.written) << c.text;
  }
  for (const char* text : {"", "10.0.0", "10.0.0.256", "fe80::1%eth0", "web", "10.0.0.1/8"}) {
    EXPECT_FALSE(ParseIpAddress(text)) << text;
  }
}

TEST(IpAddress, TellsItsNetworkByItself) {
  const struct {
    const char* text;
    const char* address_class;
  } cases[] = {{"127.0.0.1", "loopback"},     {"127.255.0.9", "loopback"},
               {"::1", "loopback"},           {"10.0.0.1", "private"},
               {"172.15.0.1", "public"},      {"172.16.0.1", "private"},
               {"172.31.255.255", "private"}, {"172.32.0.1", "public"},
               {"192.168.0.1", "private"},    {"192.169.0.1", "public"},
               {"fd00::1", "private"},        {"fc00::1", "private"},
               {"fe00::1", "public"},         {"169.254.169.254", "link_local"},
               {"fe80::1", "link_local"},     {"febf::1", "link_local"},
               {"fec0::1", "public"},         {"100.64.0.1", "shared"},
               {"100.127.0.1", "shared"},     {"100.128.0.1", "public"},
               {"224.0.0.1", "multicast"},    {"239.1.1.1", "multicast"},
               {"ff02::1", "multicast"},      {"8.8.8.8", "public"},
               {"2001:db8::1", "public"},     {"::2", "public"}};
  for (const auto& c : cases) {
    EXPECT_EQ(AddressClass(*ParseIpAddress(c.text)), c.address_class) << c.text;
    EXPECT_EQ(IsLoopback(*ParseIpAddress(c.text)), std::string_view(c.address_class) == "loopback")
        << c.text;
  }
}

}  // namespace
}  // namespace leadline
