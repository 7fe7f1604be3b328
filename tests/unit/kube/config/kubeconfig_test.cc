#include "kube/config/kubeconfig.h"

#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status_text.h"
#include "kube/stop_event.h"
#include "tests/unit/kube/config/testing.h"

namespace leadline::kube::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// "-----BEGIN X-----\n" and "-----BEGIN Y-----\n"
constexpr char kPemX[] = "LS0tLS1CRUdJTiBYLS0tLS0K";
constexpr char kPemY[] = "LS0tLS1CRUdJTiBZLS0tLS0K";

const std::string kExec = "exec: {apiVersion: client.authentication.k8s.io/v1, ";

std::string OneContext(const std::string& cluster, const std::string& user) {
  return fmt::format(R"(apiVersion: v1
kind: Config
current-context: x
contexts:
- name: x
  context: {{cluster: c, user: u}}
clusters:
- name: c
  cluster:
    {}
users:
- name: u
  user:
    {}
)",
                     cluster, user);
}

class KubeconfigTest : public testing::Test {
 protected:
  ClientConfig Client(const std::string& cluster, const std::string& user) {
    auto client = TryClient(OneContext(cluster, user));
    EXPECT_TRUE(client.ok()) << client.status();
    return client.value_or(ClientConfig{});
  }
  absl::StatusOr<ClientConfig> TryClient(const std::string& text, const std::string& context = "") {
    auto config = Kubeconfig::Read(folder_.Write("config", text));
    if (!config.ok()) return config.status();
    return config->Client(context);
  }
  // The error without the folder's name.
  std::string Error(const std::string& text, const std::string& context = "") {
    const auto client = TryClient(text, context);
    std::string error(StatusMessage(client.status()));
    for (size_t at; (at = error.find(folder_.path() + "/")) != std::string::npos;) {
      error.erase(at, folder_.path().size() + 1);
    }
    return error;
  }

  const TemporaryFolder folder_;
};

TEST_F(KubeconfigTest, ClusterFields) {
  const std::string ca = folder_.Write("pki/ca.crt", "");
  ClientConfig client = Client("{server: https://h:6443, certificate-authority: pki/ca.crt}", "");
  EXPECT_EQ(client.url, "https://h:6443");
  EXPECT_EQ(client.ca_file, ca);
  EXPECT_FALSE(client.insecure_skip_tls_verify);
  client = Client(fmt::format("{{server: https://h, certificate-authority: /no/file, "
                              "certificate-authority-data: {}, tls-server-name: name.test, "
                              "proxy-url: \"socks5://p:1080\"}}",
                              kPemX),
                  "");
  EXPECT_EQ(client.ca_pem, "-----BEGIN X-----\n");  // the data wins over the file
  EXPECT_EQ(client.ca_file, "");
  EXPECT_EQ(client.tls_server_name, "name.test");
  EXPECT_EQ(client.proxy_url, "socks5://p:1080");
  client = Client("{server: https://h, insecure-skip-tls-verify: true}", "");
  EXPECT_TRUE(client.insecure_skip_tls_verify);
}

TEST_F(KubeconfigTest, UserFields) {
  const std::string certificate = folder_.Write("a.crt", "");
  const std::string key = folder_.Write("a.key", "");
  const std::string token = folder_.Write("token", "");
  const std::string cluster = "server: https://h";
  ClientConfig client = Client(cluster, "{client-certificate: a.crt, client-key: ./a.key}");
  EXPECT_EQ(client.client_certificate_file, certificate);
  EXPECT_EQ(client.client_key_file, key);
  client = Client(
      cluster, fmt::format("{{client-certificate-data: {}, client-key-data: {}}}", kPemX, kPemY));
  EXPECT_EQ(client.client_certificate_pem, "-----BEGIN X-----\n");
  EXPECT_EQ(client.client_key_pem, "-----BEGIN Y-----\n");
  client = Client(cluster, "{token: abc, tokenFile: token}");
  EXPECT_EQ(client.token, "abc");
  EXPECT_EQ(client.token_file, token);
  client = Client(cluster, "{username: eve, password: p:w}");
  EXPECT_EQ(client.username, "eve");
  EXPECT_EQ(client.password, "p:w");
}

class ExecKubeconfig : public KubeconfigTest, public testing::WithParamInterface<const char*> {};

TEST_P(ExecKubeconfig, RunsThePluginBesideTheFile) {
  folder_.Write("bin/plugin", std::string(R"(#!/bin/sh
case "$KUBERNETES_EXEC_INFO" in
  *'"config":{"audience":"a","n":[1,2.5E0,true,null,"7"]}'*) ;;
  *) echo "no config in $KUBERNETES_EXEC_INFO" >&2; exit 1;;
esac
printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/%s",' "$1"
printf '"status":{"token":"%s"}}' "$TOKEN"
)"));
  std::filesystem::permissions(folder_.path() + "/bin/plugin", std::filesystem::perms::owner_all);
  const ClientConfig client = Client(
      "{server: https://h, extensions: [{name: client.authentication.k8s.io/exec, extension: "
      "{audience: a, n: [1, 2.5, true, null, '7']}}]}",
      fmt::format("exec: {{apiVersion: client.authentication.k8s.io/{0}, command: ./bin/plugin, "
                  "args: [{0}], env: [{{name: TOKEN, value: t}}], provideClusterInfo: true, "
                  "interactiveMode: IfAvailable}}",
                  GetParam()));
  ASSERT_NE(client.credentials, nullptr);
  const StopEvent stop;
  const auto credential = client.credentials->Get(stop.fd());
  ASSERT_TRUE(credential.ok()) << credential.status();
  EXPECT_EQ(credential->token, "t");
}

INSTANTIATE_TEST_SUITE_P(Versions, ExecKubeconfig, testing::Values("v1", "v1beta1"));

TEST_F(KubeconfigTest, APluginBesideAFileThatIsNamedWithoutAFolderIsNotLookedForInThePath) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  folder_.Write("config", OneContext("server: https://h", kExec + "command: ./no-such-plugin, "
                                                                  "interactiveMode: Never}"));
  const auto config = Kubeconfig::Read("config");
  std::filesystem::current_path(before);
  ASSERT_TRUE(config.ok()) << config.status();
  const auto client = config->Client("");
  ASSERT_TRUE(client.ok()) << client.status();
  const StopEvent stop;
  EXPECT_THAT(StatusMessage(client->credentials->Get(stop.fd()).status()),
              HasSubstr("credential plugin ./no-such-plugin: "));
}

TEST_F(KubeconfigTest, APluginIsAskedOnlyWhereNothingElseSaysWhoWeAre) {
  const std::string exec = kExec + "command: x, interactiveMode: Never}";
  EXPECT_NE(Client("server: https://h", exec).credentials, nullptr);
  EXPECT_EQ(Client("server: https://h", "{token: t, " + exec + "}").credentials, nullptr);
}

TEST_F(KubeconfigTest, V1Beta1MayLeaveTheInteractiveModeOut) {
  const ClientConfig client = Client(
      "server: https://h", "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: x}");
  EXPECT_NE(client.credentials, nullptr);
}

TEST_F(KubeconfigTest, JsonIsYaml) {
  const auto client = TryClient(
      R"({"current-context":"x","contexts":[{"name":"x","context":{"cluster":"c","user":""}}],)"
      R"("clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:1"}}]})");
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(client->url, "http://127.0.0.1:1");
}

TEST_F(KubeconfigTest, WhatIsNotUsedIsNotLookedInto) {
  std::string text = OneContext("server: https://h", "");
  text += "- name: broken\n  user: {client-certificate: /no/file, exec: 7}\n";
  EXPECT_EQ(Error(text), "");
}

struct Wrong {
  const char* name;
  std::string text;
  const char* context;
  const char* error;
};

class WrongKubeconfig : public KubeconfigTest, public testing::WithParamInterface<Wrong> {};

TEST_P(WrongKubeconfig, IsNamedWithFileLineAndKey) {
  EXPECT_THAT(Error(GetParam().text, GetParam().context), HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Errors, WrongKubeconfig,
    testing::Values(
        Wrong{"NoYaml", "clusters: [", "", "config:1: "},
        Wrong{"NoMap", "- a\n", "", "config:1: is not a map"},
        Wrong{"OtherKind", "kind: Pod\n", "", "config:1: kind: is \"Pod\", not \"Config\""},
        Wrong{"OtherVersion", "\napiVersion: v2\n", "",
              "config:2: apiVersion: is \"v2\", not \"v1\""},
        Wrong{"NoList", "clusters: {}\n", "", "config:1: clusters: is not a list"},
        Wrong{"NoName", "users:\n- user: {}\n", "", "config:2: users[0].name: is missing"},
        Wrong{"Twice", "users:\n- name: a\n- name: a\n", "",
              "config:3: users[1].name: \"a\" is there twice"},
        Wrong{"Empty", "", "", "config: no current-context"},
        Wrong{"NoSuchContext", OneContext("server: https://h", ""), "y",
              "config: context \"y\" does not exist (there: x)"},
        Wrong{"NoSuchCluster", "contexts:\n- name: x\n  context:\n    cluster: d\n", "x",
              "config:4: contexts[0].context.cluster: cluster \"d\" does not exist (there: none)"},
        Wrong{"NoSuchUser",
              "contexts:\n- {name: x, context: {cluster: c, user: u}}\n"
              "clusters:\n- {name: c, cluster: {server: \"http://h\"}}\n",
              "x", "config:2: contexts[0].context.user: user \"u\" does not exist"},
        Wrong{"NoServer", OneContext("{}", ""), "", "clusters[0].cluster.server: is missing"},
        Wrong{"BadServer", OneContext("server: ftp://h", ""), "",
              "config:10: clusters[0].cluster: API server URL \"ftp://h\" does not begin"},
        Wrong{"BadProxy", OneContext("{server: http://h, proxy-url: \"ftp://h\"}", ""), "",
              "proxy URL \"ftp://h\" does not begin with http:// or https:// or socks5://"},
        Wrong{"NoCa", OneContext("{server: https://h, certificate-authority: no.crt}", ""), "",
              "config:10: clusters[0].cluster.certificate-authority: no.crt cannot be read: "
              "No such file"},
        Wrong{"NoBase64", OneContext("{server: https://h, certificate-authority-data: '*'}", ""),
              "", "certificate-authority-data: is not base64"},
        Wrong{"NoPem", OneContext("{server: https://h, certificate-authority-data: YWJj}", ""), "",
              "certificate-authority-data: is not PEM"},
        Wrong{"InsecureWithCa",
              OneContext(fmt::format("{{server: https://h, insecure-skip-tls-verify: true, "
                                     "certificate-authority-data: {}}}",
                                     kPemX),
                         ""),
              "", "insecure-skip-tls-verify: must not be true"},
        Wrong{"NoBool", OneContext("{server: https://h, insecure-skip-tls-verify: maybe}", ""), "",
              "insecure-skip-tls-verify: is neither true nor false"},
        Wrong{"NoText", OneContext("server: [1]", ""), "", "cluster.server: is not a text"},
        Wrong{"TwoWays", OneContext("server: https://h", "{token: a, username: b}"), "",
              "config:14: users[0].user: has both a token and a username"},
        Wrong{"CertificateWithoutKey",
              OneContext("server: https://h", fmt::format("client-certificate-data: {}", kPemX)),
              "", "users[0].user: the client certificate comes without its key"},
        Wrong{"ExecVersion", OneContext("server: https://h", "exec: {apiVersion: v1}"), "",
              "config:14: users[0].user.exec.apiVersion: is \"v1\", not client.authentication"},
        Wrong{"ExecCommand", OneContext("server: https://h", kExec + "interactiveMode: Never}"), "",
              "users[0].user.exec.command: is missing"},
        Wrong{"ExecMode", OneContext("server: https://h", kExec + "command: x}"), "",
              "users[0].user.exec.interactiveMode: is missing"},
        Wrong{"ExecAlways",
              OneContext("server: https://h", kExec + "command: x, interactiveMode: Always}"), "",
              "users[0].user.exec.interactiveMode: is Always, and there is no terminal"},
        Wrong{"ExecOtherMode",
              OneContext("server: https://h", kExec + "command: x, interactiveMode: never}"), "",
              "interactiveMode: is \"never\", not Never"},
        Wrong{"ExecEnv",
              OneContext("server: https://h",
                         kExec + "command: x, interactiveMode: Never, env: [{value: y}]}"),
              "", "users[0].user.exec.env[0].name: is missing"},
        Wrong{"AuthProvider", OneContext("server: https://h", "auth-provider: {name: gcp}"), "",
              "users[0].user.auth-provider: is not supported"},
        Wrong{"Impersonation", OneContext("server: https://h", "as: root"), "",
              "users[0].user.as: impersonation is not supported"}),
    [](const auto& test) { return test.param.name; });

TEST_F(KubeconfigTest, TheFirstFileToHaveAValueWins) {
  const std::string first = folder_.Write("one/config", R"(
contexts:
- {name: a, context: {cluster: c, user: u}}
clusters:
- {name: c, cluster: {server: "https://first", certificate-authority: ca}}
)");
  const std::string second = folder_.Write("two/config", R"(
current-context: b
contexts:
- {name: a, context: {cluster: none, user: none}}
- {name: b, context: {cluster: c, user: u}}
clusters:
- {name: c, cluster: {server: "https://second", tls-server-name: second.test}}
users:
- {name: u, user: {tokenFile: ../token}}
)");
  const std::string third = folder_.Write("three", "current-context: a\n");
  folder_.Write("one/ca", "");
  folder_.Write("token", "");
  const auto config = Kubeconfig::ReadAll({folder_.path() + "/absent", first, second, third});
  ASSERT_TRUE(config.ok()) << config.status();
  for (const char* context : {"", "a", "b"}) {
    const auto client = config->Client(context);
    ASSERT_TRUE(client.ok()) << client.status();
    EXPECT_EQ(client->url, "https://first");
    EXPECT_EQ(client->tls_server_name, "");  // nothing of the second file's cluster
    EXPECT_EQ(client->ca_file, folder_.path() + "/one/ca");
    EXPECT_EQ(client->token_file, folder_.path() + "/token");
  }
}

TEST_F(KubeconfigTest, ErrorsOfMergedFilesNameTheirOwn) {
  const std::string first = folder_.Write("first", "contexts: []\n");
  const std::string second = folder_.Write("second", "\n\nusers: 7\n");
  const auto config = Kubeconfig::ReadAll({first, second});
  EXPECT_EQ(StatusMessage(config.status()), second + ":3: users: is not a list");
}

TEST_F(KubeconfigTest, FilesThatAreNotThere) {
  const std::string absent = folder_.path() + "/absent";
  EXPECT_EQ(StatusMessage(Kubeconfig::Read(absent).status()), absent + ": there is no such file");
  EXPECT_THAT(std::string(StatusMessage(Kubeconfig::ReadAll({absent}).status())),
              HasSubstr("no kubeconfig file: there is no " + absent));
  EXPECT_THAT(std::string(StatusMessage(Kubeconfig::ReadAll({}).status())),
              HasSubstr("neither KUBECONFIG nor HOME"));
  EXPECT_FALSE(Kubeconfig::Read(folder_.path()).ok());  // a folder
}

TEST(KubeconfigFiles, AreThoseOfKubectl) {
  EXPECT_THAT(KubeconfigFiles(Variables({{"KUBECONFIG", "/a::/b:/a"}, {"HOME", "/h"}})),
              ElementsAre("/a", "/b"));
  EXPECT_THAT(KubeconfigFiles(Variables({{"HOME", "/h"}})), ElementsAre("/h/.kube/config"));
  EXPECT_THAT(KubeconfigFiles(Variables({})), IsEmpty());
}

}  // namespace
}  // namespace leadline::kube::config
