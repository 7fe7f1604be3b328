// The options by which a program's servers prove themselves and know their clients, and the rule
// that nothing listens beyond loopback without either.
#pragma once

#include <string>
#include <vector>

#include "common/flags/program.h"
#include "common/tls/server_files.h"

namespace leadline::flags {

// A server of the program. What the pointers lead to outlives the program's parsing.
struct Listener {
  std::string option;          // "http": of its address
  const std::string* address;  // host:port, or "" where there is none
  tls::Access* access;
  std::string clients;  // "those who ask", for the help
};

// Adds
//   --tls-cert-file --tls-key-file               of all listeners
//   --<option>-client-ca-file --<option>-tokens-file   of each
//   --insecure                                   in spite of the rule
// and the checks of them. `insecure` says whether the last was given.
void AddServerFlags(Program& program, const std::vector<Listener>& listeners,
                    tls::Certificate& certificate, bool& insecure);

// Whether the host of "host:port" is this machine and nothing else: 127.0.0.0/8, ::1, localhost.
bool IsLoopback(const std::string& address);

}  // namespace leadline::flags
