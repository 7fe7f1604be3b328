// What a server proves itself with and asks of its clients, kept current while their files change.
//
// Certificates and keys are checked before they are used, so a pair that does not match, half-way
// through a rotation, is never served: the former stays. A tokens file that is emptied admits
// nobody; one that is broken or gone changes nothing.
//
// Errors name the file and what is wrong. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "common/clock.h"
#include "common/tls/reloading.h"
#include "common/tls/server_files.h"
#include "common/tls/token_list.h"

namespace prometheus {
class Registry;
}

namespace leadline::tls {

// In PEM, and checked.
struct ServerKeys {
  std::string certificates;
  std::string key;
  std::string client_ca;  // "": no client certificate is asked for
};

struct ServerSecurity {
  std::shared_ptr<Reloading<ServerKeys>> keys;   // nullptr: not encrypted
  std::shared_ptr<Reloading<TokenList>> tokens;  // nullptr: no token is needed
  bool needs_client_certificate = false;

  bool needs_anything() const { return tokens != nullptr || needs_client_certificate; }

  // `listener` ("http") names the metrics' rows. The clock and the registry outlive what is made.
  static absl::StatusOr<ServerSecurity> Open(const Certificate& certificate, const Access& access,
                                             const std::string& listener, const Clock& clock,
                                             prometheus::Registry& registry,
                                             const std::string& metrics_prefix);
};

}  // namespace leadline::tls
