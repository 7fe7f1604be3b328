// The files by which a client knows a server and proves itself to it. Plain values.
#pragma once

#include <string>

namespace leadline::tls {

struct ClientFiles {
  bool encrypted = false;  // by TLS, 1.2 at least; the rest but the token goes with it
  std::string ca_file;     // authorities to trust, in PEM; "": the system's
  std::string cert_file;   // the client's own, in PEM, and its key; "": none
  std::string key_file;
  std::string server_name;  // in the server's certificate; "": the address' host
  std::string token_file;   // "": none
};

}  // namespace leadline::tls
