#include "agent/protocols/normalise/http_method.h"

#include <algorithm>
#include <iterator>

namespace leadline::agent::protocols::normalise {
namespace {

constexpr std::string_view kMethods[] = {
    "GET",   "POST",    "PUT",    "DELETE",   "HEAD",      "OPTIONS", "PATCH",
    "QUERY", "CONNECT", "TRACE",  "PROPFIND", "PROPPATCH", "MKCOL",   "COPY",
    "MOVE",  "LOCK",    "UNLOCK", "REPORT",   "SEARCH",
};

}  // namespace

std::string_view KnownMethod(std::string_view method) {
  const auto* found = std::find(std::begin(kMethods), std::end(kMethods), method);
  return found == std::end(kMethods) ? std::string_view("_OTHER") : *found;
}

}  // namespace leadline::agent::protocols::normalise
