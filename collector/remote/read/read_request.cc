#include "collector/remote/read/read_request.h"

#include <string>

#include <fmt/format.h>

#include "collector/remote/wire/reader.h"
#include "common/status_macros.h"

namespace leadline::collector::remote::read {
namespace {

using wire::Reader;
using wire::WireType;

constexpr uint32_t kRequestQueries = 1;
constexpr uint32_t kRequestAccepted = 2;
constexpr uint32_t kQueryStart = 1;
constexpr uint32_t kQueryEnd = 2;
constexpr uint32_t kQueryMatchers = 3;
constexpr uint32_t kQueryHints = 4;
constexpr uint32_t kMatcherType = 1;
constexpr uint32_t kMatcherName = 2;
constexpr uint32_t kMatcherValue = 3;
constexpr uint32_t kHintsFunction = 2;

// By the message's numbers.
constexpr store::Matcher::Op kOps[] = {store::Matcher::Op::kEqual, store::Matcher::Op::kNotEqual,
                                       store::Matcher::Op::kRegex, store::Matcher::Op::kNotRegex};

absl::Status MalformedRead(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("proto: malformed {}", what));
}

absl::StatusOr<store::Matcher> ParseMatcher(std::string_view message) {
  store::Matcher matcher;
  uint64_t type = 0;
  Reader reader(message);
  while (reader.Next()) {
    if (reader.Is(kMatcherType, WireType::kVarint)) type = reader.number();
    if (reader.Is(kMatcherName, WireType::kLength)) matcher.name = reader.bytes();
    if (reader.Is(kMatcherValue, WireType::kLength)) matcher.value = reader.bytes();
  }
  if (!reader.ok()) return MalformedRead("LabelMatcher");
  if (type >= std::size(kOps)) {
    return absl::InvalidArgumentError(fmt::format("invalid matcher type {}", type));
  }
  matcher.op = kOps[type];
  return matcher;
}

absl::StatusOr<std::string_view> ParseHints(std::string_view message) {
  std::string_view function;
  Reader reader(message);
  while (reader.Next()) {
    if (reader.Is(kHintsFunction, WireType::kLength)) function = reader.bytes();
  }
  if (!reader.ok()) return MalformedRead("ReadHints");
  return function;
}

absl::StatusOr<Query> ParseQuery(std::string_view message) {
  Query query;
  Reader reader(message);
  while (reader.Next()) {
    if (reader.Is(kQueryStart, WireType::kVarint)) query.start_ms = reader.AsInt64();
    if (reader.Is(kQueryEnd, WireType::kVarint)) query.end_ms = reader.AsInt64();
    if (reader.Is(kQueryMatchers, WireType::kLength)) {
      LL_ASSIGN_OR_RETURN(query.matchers.emplace_back(), ParseMatcher(reader.bytes()));
    }
    if (reader.Is(kQueryHints, WireType::kLength)) {
      LL_ASSIGN_OR_RETURN(query.function, ParseHints(reader.bytes()));
    }
  }
  if (!reader.ok()) return MalformedRead("Query");
  return query;
}

}  // namespace

absl::StatusOr<ReadRequest> ParseReadRequest(std::string_view message) {
  ReadRequest request;
  Reader reader(message);
  while (reader.Next()) {
    if (reader.Is(kRequestQueries, WireType::kLength)) {
      if (request.queries.size() == kMaxQueries) {
        return absl::InvalidArgumentError(
            fmt::format("more than {} queries in a request", kMaxQueries));
      }
      LL_ASSIGN_OR_RETURN(request.queries.emplace_back(), ParseQuery(reader.bytes()));
    } else if (reader.field() == kRequestAccepted) {
      const auto add = [&](const Reader& type) {
        // So many are enough to have each.
        if (type.number() <= 1 && request.accepted.size() < 2) {
          request.accepted.push_back(static_cast<ResponseType>(type.number()));
        }
      };
      if (!wire::ForEachNumber(reader, WireType::kVarint, add)) return MalformedRead("ReadRequest");
    }
  }
  if (!reader.ok()) return MalformedRead("ReadRequest");
  if (request.accepted.empty()) request.accepted.push_back(ResponseType::kSamples);
  return request;
}

}  // namespace leadline::collector::remote::read
