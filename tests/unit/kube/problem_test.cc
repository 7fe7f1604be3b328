#include "kube/problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/http_session.h"

namespace leadline::kube {
namespace {

using testing::EndsWith;

struct Case {
  int http_status;
  const char* name;
  bool answered;
  const char* advice;
};

class Problems : public testing::TestWithParam<Case> {};

TEST_P(Problems, OfAnHttpStatus) {
  const absl::Status status = StatusFromHttp("/api/v1/pods", GetParam().http_status, "why");
  EXPECT_EQ(ProblemName(status), GetParam().name);
  EXPECT_EQ(ServerAnswered(status), GetParam().answered);
  EXPECT_THAT(Describe(status, "list and watch", "pods"), EndsWith(GetParam().advice));
}

INSTANTIATE_TEST_SUITE_P(
    All, Problems,
    testing::Values(
        Case{400, "error", true, "why"},
        Case{401, "unauthorized", false,
             "why; check the token, certificate or plugin of the kubeconfig, or the service "
             "account"},
        Case{403, "forbidden", true,
             "why; allow us to list and watch pods by a ClusterRole and a ClusterRoleBinding"},
        Case{404, "error", true, "why"}, Case{410, "gone", true, "why"},
        Case{429, "throttled", false, "why"}, Case{500, "error", false, "why"},
        Case{503, "error", false, "why"}, Case{504, "error", false, "why"}),
    [](const auto& test) { return std::to_string(test.param.http_status); });

}  // namespace
}  // namespace leadline::kube
