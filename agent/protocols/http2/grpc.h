// What gRPC adds to HTTP/2 (gRPC over HTTP2): statuses, and methods as paths. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace leadline::agent::protocols::http2 {

// "application/grpc", "application/grpc+proto", ...
bool IsGrpcContent(std::string_view content_type);

// "5" -> 5. False for what is no status.
bool ParseGrpcStatus(std::string_view text, uint16_t& status);

// "NOT_FOUND"; "_OTHER" for one that is not there. In static storage.
std::string_view GrpcStatusName(uint32_t status);

// Whether a server is to blame for it, by OpenTelemetry's convention; clients take all but OK for
// an error.
bool IsGrpcServerError(uint32_t status);

// "/shop.v1.Orders/Get" -> "shop.v1.Orders/Get": names as they stand in a .proto file, which hold
// nothing that varies. "" for any other path.
std::string_view GrpcMethod(std::string_view path);

// Whether a request's or response's body begins like a message with its length before it: five
// bytes, and the frame that carries them is no shorter.
bool LooksLikeGrpcMessage(std::string_view body, uint64_t frame_bytes);

}  // namespace leadline::agent::protocols::http2
