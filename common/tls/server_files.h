// The files by which a server proves itself and knows its clients. Plain values.
#pragma once

#include <string>

namespace leadline::tls {

// In PEM. Both or neither; neither: the server's connections are not encrypted.
struct Certificate {
  std::string cert_file;  // the server's own first, then the intermediate ones
  std::string key_file;   // not encrypted

  bool given() const { return !cert_file.empty(); }
};

// What a client must bring: all that is named here.
struct Access {
  std::string client_ca_file;  // a certificate by one of these; ""; none is asked for
  std::string tokens_file;     // one of these tokens; "": none is needed

  bool any() const { return !client_ca_file.empty() || !tokens_file.empty(); }
};

}  // namespace leadline::tls
