// Read requests: whatever comes, it is a request within bounds or refused.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collector/remote/read/read_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace leadline::collector::remote::read;
  const auto request =
      ParseReadRequest(std::string_view(reinterpret_cast<const char*>(data), size));
  if (request.ok() && (request->queries.size() > kMaxQueries || request->accepted.empty())) abort();
  return 0;
}
