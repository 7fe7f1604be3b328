// One request on a connection of its own, as bytes.
#pragma once

#include <cstdint>
#include <string>

namespace leadline::collector::api {

struct Reply {
  int status = 0;
  std::string head;
  std::string body;

  // "" where there is none. `name` as the server writes it.
  std::string Header(const std::string& name) const;
};

// The answer up to the end of the connection, so the request should ask for that.
Reply Send(uint16_t port, const std::string& request);

}  // namespace leadline::collector::api
