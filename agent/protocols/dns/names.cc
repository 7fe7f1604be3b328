#include "agent/protocols/dns/names.h"

#include <iterator>

namespace leadline::agent::protocols::dns {
namespace {

struct TypeRow {
  uint16_t type;
  std::string_view name;
};

constexpr TypeRow kTypes[] = {
    {1, "A"},      {28, "AAAA"}, {5, "CNAME"},  {12, "PTR"},   {33, "SRV"},    {16, "TXT"},
    {15, "MX"},    {2, "NS"},    {6, "SOA"},    {65, "HTTPS"}, {64, "SVCB"},   {255, "ANY"},
    {35, "NAPTR"}, {43, "DS"},   {46, "RRSIG"}, {47, "NSEC"},  {48, "DNSKEY"}, {50, "NSEC3"},
    {52, "TLSA"},  {257, "CAA"}, {13, "HINFO"}, {39, "DNAME"}, {251, "IXFR"},  {252, "AXFR"},
    {256, "URI"},  {99, "SPF"},  {44, "SSHFP"}, {10, "NULL"},
};

constexpr std::string_view kCodes[] = {
    "NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED",
    "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE", "DSOTYPENI",
};

}  // namespace

std::string_view TypeName(uint16_t type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return row.name;
  }
  return "_OTHER";
}

std::string_view ResponseCodeName(uint8_t code) {
  return code < std::size(kCodes) ? kCodes[code] : std::string_view("_OTHER");
}

}  // namespace leadline::agent::protocols::dns
