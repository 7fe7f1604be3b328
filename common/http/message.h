// HTTP requests and responses as handlers see them, and the parameters of a request.
//
// Plain values. Nothing here knows the server's library, so handlers are tested without a socket.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leadline::http {

using Header = std::pair<std::string, std::string>;

struct Request {
  std::string method = {};  // "GET", "POST", …
  std::string path = {};    // percent-decoded, without the query
  std::string query = {};   // what follows '?', as it came
  std::vector<Header> headers = {};
  std::string body = {};
  // What the route's {…} segments matched, percent-decoded, in order.
  std::vector<std::string> captures = {};
  // Set once nobody waits for the answer any more (server.h); nullptr: nobody would tell.
  std::shared_ptr<const std::atomic<bool>> cancelled = {};

  // The first header of that name, whatever its case, or "". Valid as long as the request.
  std::string_view GetHeader(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = {};
  std::vector<Header> headers = {};
  // Goes once the answer is sent, or nobody takes it any more.
  std::shared_ptr<const void> keeps = {};
};

// Names and values, a name any number of times.
class Params {
 public:
  // "a=1&b=x+y&a=%32": lenient, as browsers and Go's net/url are; a '%' without two hexadecimal
  // digits stands for itself.
  static Params Parse(std::string_view encoded);

  void Append(Params other);

  // The first value; nullopt where there is none.
  std::optional<std::string_view> First(std::string_view name) const;
  std::vector<std::string> All(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> params_;
};

// The form in the body of a POST (application/x-www-form-urlencoded), then the query's parameters:
// where a name is in both, First gives the body's.
Params RequestParams(const Request& request);

std::string PercentDecode(std::string_view encoded, bool plus_is_space);

// Names of headers, media types and codings are equal whatever their case (ASCII).
bool EqualsIgnoringCase(std::string_view a, std::string_view b);

// What a Content-Type says but for its parameters: "text/plain" of "text/plain; charset=utf-8".
std::string_view MediaType(std::string_view content_type);

inline constexpr std::string_view kFormType = "application/x-www-form-urlencoded";
bool IsForm(std::string_view content_type);

}  // namespace leadline::http
