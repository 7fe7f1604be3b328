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

// Which of the server's threads a handler takes: heavy ones never keep light ones waiting.
enum class Load { kLight, kHeavy };

class Router {
 public:
  void Add(std::string method, std::string pattern, Handler handler, Load load = Load::kLight);

  struct Match {
    // The pattern, or "other" where no route matched: a bounded set, fit for a metric's label.
    std::string_view route;
    Load load = Load::kLight;
    Handler handler;
  };

  // Fills request.captures.
  Match Find(Request& request) const;

 private:
  struct Route {
    std::string method;
    std::string pattern;
    Handler handler;
    Load load;
  };

  std::vector<Route> routes_;
};

}  // namespace leadline::http
