#include "kube/problem.h"

#include <fmt/format.h>

#include "common/status_text.h"

namespace leadline::kube {

std::string_view ProblemName(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return "ok";
    case absl::StatusCode::kOutOfRange:
      return "gone";
    case absl::StatusCode::kUnauthenticated:
      return "unauthorized";
    case absl::StatusCode::kPermissionDenied:
      return "forbidden";
    case absl::StatusCode::kResourceExhausted:
      return "throttled";
    default:
      return "error";
  }
}

std::string Describe(const absl::Status& status, std::string_view verbs,
                     std::string_view resource) {
  std::string text(StatusMessage(status));
  if (status.code() == absl::StatusCode::kUnauthenticated) {
    text += "; check the token, certificate or plugin of the kubeconfig, or the service account";
  } else if (status.code() == absl::StatusCode::kPermissionDenied) {
    text += fmt::format("; allow us to {} {} by a ClusterRole and a ClusterRoleBinding", verbs,
                        resource);
  }
  return text;
}

bool ServerAnswered(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kInvalidArgument:
      return true;
    default:
      return false;
  }
}

}  // namespace leadline::kube
