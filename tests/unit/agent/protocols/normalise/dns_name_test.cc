#include "agent/protocols/normalise/dns_name.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace leadline::agent::protocols::normalise {
namespace {

// "a.b" as messages have it.
std::string Labels(std::string_view name) {
  std::string labels;
  while (!name.empty()) {
    const size_t end = std::min(name.find('.'), name.size());
    labels.push_back(static_cast<char>(end));
    labels += name.substr(0, end);
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return labels;
}

struct NameCase {
  std::string_view name;
  std::string_view normalised;
};

constexpr NameCase kNameCases[] = {
    {"", "."},
    {"Shop.Default.svc.cluster.local", "shop.default.svc.cluster.local"},
    {"web-0.web.shop.svc.cluster.local", "web-0.web.shop.svc.cluster.local"},
    {"10-0-0-7.shop.pod.cluster.local", ":id.shop.pod.cluster.local"},
    {"_http._tcp.shop.svc.cluster.local", "_http._tcp.shop.svc.cluster.local"},
    {"s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com"},
    {"ip-10-0-0-1.ec2.internal", ":id.ec2.internal"},
    {"d41d8cd98f00b204e9800998ecf8427e.example.com", ":id.example.com"},
    {"4711deadbeef.example.com", ":id.example.com"},
    {"a.b.c.d.e.f.example.com", "*.b.c.d.e.f.example.com"},
    {"7.0.0.10.in-addr.arpa", "*.in-addr.arpa"},
    {"x.ip6.arpa", "*.ip6.arpa"},
    {"what is@this.example.com", ":id.example.com"},
};

TEST(DnsNameTest, KeepsWords) {
  for (const NameCase& c : kNameCases) {
    char out[kMaxDnsName];
    EXPECT_EQ(DnsName(Labels(c.name), absl::MakeSpan(out)), c.normalised) << c.name;
  }
}

TEST(DnsNameTest, LongestNames) {
  char out[kMaxDnsName];
  std::string labels;
  for (int i = 0; i < 127; ++i) labels += "\x01z";
  EXPECT_EQ(DnsName(labels, absl::MakeSpan(out)), "*.z.z.z.z.z.z.z");
}

}  // namespace
}  // namespace leadline::agent::protocols::normalise
