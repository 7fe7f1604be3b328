// Which handler answers which method and path: a table of routes, each with its description.
//
// A pattern is a path whose segments in braces match any one segment:
// "/api/v1/label/{name}/values". The first route that matches answers. A path that no route has is
// answered 404, a method that none of its routes has 405 with Allow; HEAD is answered as GET, and
// OPTIONS with what is allowed. Where parameters may come as a form, a body of something else in
// their place is answered 415, since nobody would read it.
//
// Handlers may be called from several threads at once. Filled before use, then only read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

#include "common/http/message.h"

namespace leadline::http {

using Handler = std::function<Response(const Request&)>;

// Takes the answer of one request: called once, from any thread, also after the handler returned.
using Respond = std::function<void(Response)>;

// For what waits for others, as for a disk: takes no thread while it waits. The request is valid
// until the handler returns.
using DeferredHandler = std::function<void(const Request&, Respond)>;

// Which of the server's threads a handler takes: those of one kind never keep the others waiting.
// Heavy ones are queries, intake is what brings data in.
enum class Load : uint8_t { kLight, kHeavy, kIntake };
inline constexpr size_t kLoads = 3;

// A parameter of a request: of the query, or of a POST's form.
struct Parameter {
  enum class Kind : uint8_t { kText, kTime, kDuration, kCount, kFlag };
  enum class Presence : uint8_t { kOptional, kRequired, kRepeated };
  std::string_view name;
  Kind kind = Kind::kText;
  Presence presence = Presence::kOptional;
  std::string_view help;
};

// What a route is for, in the words of its documentation. The texts are literals.
struct Description {
  std::string_view summary;
  std::vector<Parameter> parameters = {};
  std::string_view schema = {};  // the name of the schema of a good answer's JSON; "": plain text
  std::string_view body = {};    // the media type of what is sent, where that is no form
  int status = 200;              // of a good answer
  std::string_view answer = "text/plain";  // its media type, where there is no schema
};

struct Route {
  std::string method;
  std::string pattern;
  Description about;
  Handler handler;
  Load load = Load::kLight;
  bool open = false;              // answered without token and certificate
  DeferredHandler deferred = {};  // in place of `handler`
  size_t max_body_bytes = 0;      // of a request; 0: ServerOptions::max_body_bytes
};

class Router {
 public:
  // REQUIRES: the pattern begins with '/', the summary says something.
  void Add(Route route);

  // In the order in which they were added.
  absl::Span<const Route> routes() const { return routes_; }

  struct Match {
    // The pattern, or "other" where no route matched: a bounded set, fit for a metric's label.
    std::string_view route;
    Load load = Load::kLight;
    Handler handler;
    bool open = false;
    DeferredHandler deferred = {};
    size_t max_body_bytes = 0;
  };

  // Fills request.captures.
  Match Find(Request& request) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace leadline::http
