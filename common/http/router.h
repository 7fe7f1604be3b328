// Which handler answers which method and path: a table of routes.
//
// A pattern is a path whose segments in braces match any one segment:
// "/api/v1/label/{name}/values". The first route that matches answers. A path that no route has is
// answered 404, a method that none of its routes has 405 with Allow; HEAD is answered as GET.
//
// Handlers may be called from several threads at once. Filled before use, then only read.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/message.h"

namespace leadline::http {

using Handler = std::function<Response(const Request&)>;

class Router {
 public:
  void Add(std::string method, std::string pattern, Handler handler);

  struct Match {
    // The pattern, or "other" where no route matched: a bounded set, fit for a metric's label.
    std::string_view route;
    Response response;
  };

  // Fills request.captures and calls the handler.
  Match Dispatch(Request& request) const;

 private:
  struct Route {
    std::string method;
    std::string pattern;
    Handler handler;
  };

  std::vector<Route> routes_;
};

}  // namespace leadline::http
