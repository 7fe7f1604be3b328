// Where the objects of a kind are served, as the server itself says.
//
// An owner reference keeps the API version that it was written with, which the server may have
// stopped serving since, or may not serve yet: batch/v1beta1 and batch/v1 of a CronJob. So kinds
// are looked for in the version that is named, then in the others of its group, the preferred one
// first. Answers are kept for kTtlMs, also that there is nothing. Used by one thread.
// Source: Kubernetes API concepts, "API discovery".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/clock.h"
#include "common/string_map.h"
#include "kube/http_session.h"
#include "kube/resource_path.h"

namespace leadline::kube {

struct ServedResource {
  std::string group_path;  // "/apis/batch/v1"
  ResourceName name;

  bool operator==(const ServedResource&) const = default;
};

class Discovery {
 public:
  static constexpr int64_t kTtlMs = 600'000;
  static constexpr size_t kMaxKept = 256;  // answers of either sort

  // Both outlive it.
  Discovery(HttpSession& session, const Clock& clock) : session_(session), clock_(clock) {}

  // Without a request where the kind comes with Kubernetes and nothing is known against the
  // version; else as FindServed.
  absl::StatusOr<ServedResource> Find(const std::string& api_version, const std::string& kind);
  // By what the server says. UNIMPLEMENTED when it serves no such kind, or `api_version` is none;
  // GetBody's errors.
  absl::StatusOr<ServedResource> FindServed(const std::string& api_version,
                                            const std::string& kind);

 private:
  using Kinds = StringMap<ResourceName>;
  template <typename T>
  struct Kept {
    int64_t until_mono_ns = 0;
    T value;
  };

  absl::StatusOr<const Kinds*> KindsOf(const std::string& group_path);
  absl::StatusOr<const std::vector<std::string>*> PathsOf(const std::string& api_version);
  absl::StatusOr<Kinds> AskKinds(const std::string& group_path);
  absl::StatusOr<std::vector<std::string>> AskPaths(const std::string& path);

  HttpSession& session_;
  const Clock& clock_;
  StringMap<Kept<Kinds>> kinds_;                     // by group path
  StringMap<Kept<std::vector<std::string>>> paths_;  // group paths, by "/apis/GROUP" or "/api"
};

}  // namespace leadline::kube
