#include "kube/config/choice.h"

#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status_text.h"
#include "tests/unit/kube/config/testing.h"

namespace leadline::kube::config {
namespace {

using testing::HasSubstr;

std::string Text(const std::string& server) {
  return fmt::format(
      "current-context: x\ncontexts: [{{name: x, context: {{cluster: c}}}}, {{name: y, context: "
      "{{cluster: d}}}}]\nclusters: [{{name: c, cluster: {{server: \"{0}\"}}}}, {{name: d, "
      "cluster: "
      "{{server: \"{0}/d\"}}}}]\n",
      server);
}

class ChoiceTest : public testing::Test {
 protected:
  ChoiceTest() {
    folder_.Write("sa/token", "t");
    folder_.Write("sa/ca.crt", "c");
    folder_.Write(".kube/config", Text("http://home"));
    given_ = folder_.Write("given", Text("http://given"));
    listed_ = folder_.Write("listed", Text("http://listed"));
  }

  // The URL that is chosen, "none", or the error.
  std::string Url(const Choice& choice, std::map<std::string, std::string> variables) {
    variables["HOME"] = folder_.path();
    chosen_ = Choose(choice, Variables(std::move(variables)), folder_.path() + "/sa");
    if (!chosen_.ok()) return std::string(StatusMessage(chosen_.status()));
    return *chosen_ ? (*chosen_)->client.url : "none";
  }

  const TemporaryFolder folder_;
  std::string given_;
  std::string listed_;
  std::map<std::string, std::string> in_pod_ = {{"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                                                {"KUBERNETES_SERVICE_PORT", "443"}};
  absl::StatusOr<std::optional<Chosen>> chosen_;
};

TEST_F(ChoiceTest, TheNearestWins) {
  auto everything = in_pod_;
  everything["KUBECONFIG"] = listed_;
  EXPECT_EQ(Url({.url = "http://url"}, everything), "http://url");
  EXPECT_EQ(Url({.kubeconfig = given_}, everything), "http://given");
  EXPECT_EQ(Url({.kubeconfig = given_, .context = "y"}, everything), "http://given/d");
  EXPECT_EQ(Url({.context = "y"}, everything), "http://listed/d");
  EXPECT_EQ(Url({.context = "y"}, in_pod_), "http://home/d");
  EXPECT_EQ(Url({}, everything), "http://listed");
  EXPECT_EQ(Url({}, in_pod_), "https://10.0.0.1:443");
  EXPECT_EQ(Url({}, {}), "none");
  EXPECT_EQ(Url({}, {{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}}), "none");
}

TEST_F(ChoiceTest, InAPod) {
  Url({}, in_pod_);
  ASSERT_TRUE(chosen_.ok() && *chosen_);
  EXPECT_EQ((*chosen_)->client.token_file, folder_.path() + "/sa/token");
  EXPECT_EQ((*chosen_)->client.ca_file, folder_.path() + "/sa/ca.crt");
  EXPECT_EQ((*chosen_)->source, "the pod's service account");
  in_pod_["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  EXPECT_EQ(Url({}, in_pod_), "https://[fd00::1]:443");
  std::filesystem::remove(folder_.path() + "/sa/ca.crt");
  EXPECT_THAT(Url({}, in_pod_), HasSubstr("CA file " + folder_.path() + "/sa/ca.crt cannot be"));
  EXPECT_EQ(chosen_.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ChoiceTest, InAPodWithoutAToken) {
  std::filesystem::remove_all(folder_.path() + "/sa");
  EXPECT_EQ(Url({}, in_pod_),
            "this pod has no service account token: there is no " + folder_.path() + "/sa/token");
  EXPECT_EQ(chosen_.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Url({.url = "http://url"}, in_pod_), "http://url");
}

TEST_F(ChoiceTest, SaysWhatCannotWork) {
  EXPECT_THAT(Url({.url = "nonsense"}, {}), HasSubstr("API server URL \"nonsense\""));
  EXPECT_THAT(Url({.kubeconfig = "/no/file"}, {}), HasSubstr("/no/file: there is no such file"));
  EXPECT_THAT(Url({.context = "z"}, {}), HasSubstr("context \"z\" does not exist (there: x, y)"));
  EXPECT_THAT(Url({}, {{"KUBECONFIG", "/no/file:/nor/this"}}),
              HasSubstr("no kubeconfig file: there is no /no/file, no /nor/this"));
}

}  // namespace
}  // namespace leadline::kube::config
