#include "agent/protocols/base/attributes.h"

#include "absl/types/span.h"

namespace leadline::agent::protocols::base {
namespace {

struct Attribute {
  std::string_view name;
  std::string_view (*value)(const RequestRecord& record);
};

std::string_view Name(const RequestRecord& r) { return ProtocolName(r.protocol); }
std::string_view Version(const RequestRecord& r) { return r.version; }
std::string_view Operation(const RequestRecord& r) { return r.operation; }
std::string_view Target(const RequestRecord& r) { return r.target; }
std::string_view Summary(const RequestRecord& r) { return r.summary; }
std::string_view Status(const RequestRecord& r) { return r.status; }
std::string_view Error(const RequestRecord& r) { return r.error; }
std::string_view Grpc(const RequestRecord& /*r*/) { return "grpc"; }
// "service/method"
std::string_view RpcService(const RequestRecord& r) {
  return r.target.substr(0, r.target.find('/'));
}
std::string_view RpcMethod(const RequestRecord& r) {
  const size_t slash = r.target.find('/');
  return slash == std::string_view::npos ? std::string_view() : r.target.substr(slash + 1);
}

constexpr Attribute kHttp[] = {
    {"http.request.method", Operation},    {"http.route", Target},
    {"http.response.status_code", Status}, {"network.protocol.name", Name},
    {"network.protocol.version", Version}, {"error.type", Error},
};
constexpr Attribute kRpc[] = {
    {"rpc.system", Grpc},      {"rpc.service", RpcService},
    {"rpc.method", RpcMethod}, {"rpc.grpc.status_code", Status},
    {"error.type", Error},
};
constexpr Attribute kDb[] = {
    {"db.system.name", Name},  {"db.operation.name", Operation},    {"db.query.summary", Summary},
    {"db.query.text", Target}, {"db.response.status_code", Status}, {"error.type", Error},
};
// The convention has no name for the type and the code yet.
constexpr Attribute kDns[] = {
    {"dns.question.name", Target},
    {"dns.question.type", Operation},
    {"dns.response.code", Status},
    {"error.type", Error},
};

absl::Span<const Attribute> AttributesOf(RecordKind kind) {
  switch (kind) {
    case RecordKind::kHttp:
      return kHttp;
    case RecordKind::kRpc:
      return kRpc;
    case RecordKind::kDb:
      return kDb;
    case RecordKind::kDns:
      return kDns;
  }
  return {};
}

}  // namespace

void ForEachAttribute(const RequestRecord& record,
                      absl::FunctionRef<void(std::string_view name, std::string_view value)> give) {
  for (const Attribute& attribute : AttributesOf(record.kind)) {
    if (const std::string_view value = attribute.value(record); !value.empty()) {
      give(attribute.name, value);
    }
  }
}

}  // namespace leadline::agent::protocols::base
