// Who may ask: what a request must bring on a server that asks for something. Internal to
// common/http.
#pragma once

#include <optional>
#include <string_view>

#include "common/http/message.h"
#include "common/tls/server_security.h"

namespace leadline::http {

// 401 or 403 with what is missing, or nullopt when the request may go on. `authorization` is the
// header of that name; `has_certificate` says that the client has shown one that is right.
// Source: RFC 6750, section 3. Thread-safe.
std::optional<Response> Refusal(std::string_view authorization, bool has_certificate,
                                const tls::ServerSecurity& security);

}  // namespace leadline::http
