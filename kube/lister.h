// Lists a kind of objects, page by page.
//
// Source: Kubernetes API concepts, "Retrieving large results sets in chunks".
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "kube/http_session.h"
#include "kube/object.h"
#include "kube/resource.h"

namespace leadline::kube {

struct ListOptions {
  int page_limit = 500;
  size_t max_page_bytes = size_t{64} << 20;
  int64_t max_silence_ms = 60'000;
};

struct ObjectList {
  std::vector<std::shared_ptr<const Object>> objects;
  std::string resource_version;  // to watch from
  size_t bad_objects = 0;        // left out, each logged
  int pages = 0;
  bool expired = false;  // a continue token had; what came before it was thrown away
};

// All objects as of `resource_version`: "" is the newest state, read from etcd in pages; "0"
// whatever the server has in memory; another one that or a newer state from memory, in one page
// (the server answers a limit there by a read from etcd for every agent).
//
// When a page's continue token has expired, all is asked for once more in one piece, as client-go
// does: the server's token for the rest would give a list of two moments.
//
// Errors are HttpSession::GetBody's; OUT_OF_RANGE when the version is too old: list again.
// INVALID_ARGUMENT when the answer is no list. `response` is the last page's; its status is 0 when
// none came.
absl::StatusOr<ObjectList> List(HttpSession& session, const Resource& resource,
                                const ListOptions& options, const std::string& resource_version,
                                HttpResponse& response);

}  // namespace leadline::kube
