// Compressed answers: gzip, where the client takes it and the body is worth it. And gzip of
// requests, for handlers that take it.
//
// Pure functions. Source: RFC 9110, sections 8.4 and 12.5.3.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "common/http/message.h"

namespace leadline::http {

// Below this, headers and the packet they come in weigh more than what compression saves.
inline constexpr size_t kMinCompressedBytes = 512;

// Whether a client that sent this Accept-Encoding takes gzip.
bool AcceptsGzip(std::string_view accept_encoding);

// Compresses the body and says so in Content-Encoding; leaves what is small, or has a coding of its
// own, as it is. Vary says that the answer depends on Accept-Encoding.
void CompressBody(const Request& request, Response& response);

// INVALID_ARGUMENT where it is no gzip, or not whole; RESOURCE_EXHAUSTED above `max_bytes`.
absl::Status Gunzip(std::string_view packed, size_t max_bytes, std::string& plain);

}  // namespace leadline::http
