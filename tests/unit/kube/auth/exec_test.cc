// The programs are shell scripts of the tests; that no shell stands between is among what is
// tested.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status_text.h"
#include "kube/auth/exec_source.h"
#include "kube/auth/program.h"
#include "kube/stop_event.h"

namespace leadline::kube::auth {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr char kV1[] = "client.authentication.k8s.io/v1";
constexpr char kV1Beta1[] = "client.authentication.k8s.io/v1beta1";

std::string ReadAll(const std::string& path) {
  std::string text;
  if (FILE* file = std::fopen(path.c_str(), "r")) {
    char buffer[4096];
    for (size_t size; (size = std::fread(buffer, 1, sizeof buffer, file)) > 0;) {
      text.append(buffer, size);
    }
    std::fclose(file);
  }
  return text;
}

class ExecTest : public testing::Test {
 protected:
  ExecTest() : folder_(testing::TempDir() + "leadline_exec_XXXXXX") {
    if (mkdtemp(folder_.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
  }
  ~ExecTest() override { std::filesystem::remove_all(folder_); }

  std::string Script(const std::string& body) {
    std::string path = fmt::format("{}/plugin", folder_);
    FILE* file = std::fopen(path.c_str(), "w");
    std::fputs(("#!/bin/sh\ncd '" + folder_ + "'\n" + body + "\n").c_str(), file);
    std::fclose(file);
    chmod(path.c_str(), 0700);
    return path;
  }
  // Prints an ExecCredential with that status, and writes a line into `runs`.
  std::string Plugin(const std::string& status, const std::string& version = kV1) {
    return Script(fmt::format(
        "echo run >> runs\nprintf '%s' '{{\"kind\":\"ExecCredential\",\"apiVersion\":\"{}\","
        "\"status\":{}}}'",
        version, status));
  }
  size_t Runs() const {
    const std::string text = ReadAll(folder_ + "/runs");
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  std::string Error(ExecOptions options) {
    options.api_version = kV1;
    return std::string(
        StatusMessage(ExecSource(std::move(options), clock_).Get(stop_.fd()).status()));
  }

  std::string folder_;
  ManualClock clock_{1'700'000'000'000};
  StopEvent stop_;
};

TEST_F(ExecTest, AProgramGetsItsArgumentsAndEnvironmentAndNoShell) {
  const auto end = RunProgram({.file = Script("printf '%s|' \"$@\" \"$A\"; echo oops >&2; exit 3"),
                               .args = {"two words", "$(touch x)", "; touch y", "*"},
                               .environment = {"A=b c", "PATH=/bin:/usr/bin"}},
                              stop_.fd());
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->output, "two words|$(touch x)|; touch y|*|b c|");
  EXPECT_EQ(end->errors, "oops\n");
  EXPECT_EQ(end->exit_code, 3);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/x"));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/y"));
}

TEST_F(ExecTest, AProgramHasNoInputAndNoneOfOurDescriptors) {
  const int leak = dup(STDERR_FILENO);  // without O_CLOEXEC
  const auto end = RunProgram(
      {.file = Script("cat; ls /proc/$$/fd | tr '\\n' ' '"), .environment = {"PATH=/bin:/usr/bin"}},
      stop_.fd());
  close(leak);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_THAT(end->output, Not(HasSubstr(fmt::format("{} ", leak)))) << "leaked " << leak;
}

TEST_F(ExecTest, AProgramThatASignalEnds) {
  const auto end = RunProgram({.file = Script("kill -9 $$")}, stop_.fd());
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->exit_code, 128 + SIGKILL);
}

TEST_F(ExecTest, AProgramWhoseChildHoldsItsOutputOpen) {
  const auto end = RunProgram(
      {.file = Script("sleep 1000 & echo $! > child; echo done"), .environment = {"PATH=/bin"}},
      stop_.fd());
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->output, "done\n");
  kill(std::stoi(ReadAll(folder_ + "/child")), SIGKILL);
}

TEST_F(ExecTest, AProgramThatDoesNotEndIsKilledWithItsChildren) {
  const auto end = RunProgram({.file = Script("echo $$ > pid; sleep 1000 & echo $! > child; wait"),
                               .environment = {"PATH=/bin:/usr/bin"},
                               .time_limit_ms = 300},
                              stop_.fd());
  EXPECT_EQ(end.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_NE(kill(std::stoi(ReadAll(folder_ + "/pid")), 0), 0);
}

TEST_F(ExecTest, AProgramIsStopped) {
  const std::string file = Script("mkfifo started; echo x > started; sleep 1000");
  std::thread stopper([&] {
    while (!std::filesystem::exists(folder_ + "/started")) std::this_thread::yield();
    stop_.Set();
  });
  const auto end = RunProgram({.file = file, .environment = {"PATH=/bin:/usr/bin"}}, stop_.fd());
  stopper.join();
  EXPECT_EQ(end.status().code(), absl::StatusCode::kCancelled);
}

TEST_F(ExecTest, AProgramThatPrintsTooMuch) {
  const auto end = RunProgram(
      {.file = Script("while :; do echo too much; done"), .max_output_bytes = 1000}, stop_.fd());
  EXPECT_EQ(end.status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(ExecTest, ProgramsThatCannotBeRun) {
  EXPECT_EQ(RunProgram({.file = folder_ + "/absent"}, stop_.fd()).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(RunProgram({.file = "leadline-no-such-program"}, stop_.fd()).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_FALSE(RunProgram({.file = folder_}, stop_.fd()).ok());
}

TEST_F(ExecTest, OneRunServesAllUntilItExpires) {
  // 2023-11-14T22:13:20Z is 1'700'000'000.
  ExecSource source(
      {.api_version = kV1,
       .command = Plugin(R"({"token":"t","expirationTimestamp":"2023-11-14T22:14:20Z"})")},
      clock_);
  for (int i = 0; i < 3; ++i) {
    const auto credential = source.Get(stop_.fd());
    ASSERT_TRUE(credential.ok()) << credential.status();
    EXPECT_EQ(credential->token, "t");
  }
  EXPECT_EQ(Runs(), 1u);
  clock_.AdvanceMs(54'000);
  EXPECT_TRUE(source.Get(stop_.fd()).ok());
  EXPECT_EQ(Runs(), 1u);
  clock_.AdvanceMs(1'000);  // five seconds before it expires
  EXPECT_TRUE(source.Get(stop_.fd()).ok());
  EXPECT_EQ(Runs(), 2u);
}

TEST_F(ExecTest, WhatWasRefusedIsFoundAnew) {
  ExecSource source({.api_version = kV1, .command = Plugin(R"({"token":"t"})")}, clock_);
  const auto first = source.Get(stop_.fd());
  ASSERT_TRUE(first.ok()) << first.status();
  source.Refused(first->serial);
  const auto second = source.Get(stop_.fd());
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(Runs(), 2u);
  source.Refused(first->serial);  // late, of the former one
  EXPECT_EQ(source.Get(stop_.fd())->serial, second->serial);
  EXPECT_EQ(Runs(), 2u);
}

TEST_F(ExecTest, ManyAtOnceMakeOneRun) {
  ExecSource source({.api_version = kV1, .command = Plugin(R"({"token":"t"})")}, clock_);
  std::array<std::thread, 8> threads;
  for (std::thread& thread : threads) {
    thread = std::thread([&] { EXPECT_TRUE(source.Get(stop_.fd()).ok()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Runs(), 1u);
}

TEST_F(ExecTest, CertificatesOfBothVersions) {
  for (const char* version : {kV1, kV1Beta1}) {
    ExecSource source(
        {.api_version = version,
         .command =
             Plugin(R"({"clientCertificateData":"-----BEGIN C","clientKeyData":"-----BEGIN K"})",
                    version)},
        clock_);
    const auto credential = source.Get(stop_.fd());
    ASSERT_TRUE(credential.ok()) << credential.status();
    EXPECT_EQ(credential->certificate_pem, "-----BEGIN C");
    EXPECT_EQ(credential->key_pem, "-----BEGIN K");
  }
}

TEST_F(ExecTest, WhatThePluginIsTold) {
  ExecSource source(
      {.api_version = kV1,
       .command = Script("echo \"$KUBERNETES_EXEC_INFO\" > info; echo \"$HOME $EXTRA\" > env"),
       .environment = {{"HOME", "/elsewhere"}, {"EXTRA", "more"}},
       .cluster = ExecCluster{.server = "https://h",
                              .tls_server_name = "n",
                              .ca_pem = "abc",
                              .config_json = R"({"audience":"x"})"}},
      clock_);
  EXPECT_FALSE(source.Get(stop_.fd()).ok());  // it prints nothing
  EXPECT_EQ(ReadAll(folder_ + "/info"),
            R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",)"
            R"("spec":{"interactive":false,"cluster":{"server":"https://h","tls-server-name":"n",)"
            R"("certificate-authority-data":"YWJj","config":{"audience":"x"}}}})"
            "\n");
  EXPECT_EQ(ReadAll(folder_ + "/env"), "/elsewhere more\n");
}

TEST_F(ExecTest, ErrorsSayWhatThePluginSaid) {
  EXPECT_THAT(
      Error({.command = Script("echo 'please\nlog in' >&2; exit 7")}),
      AllOf(HasSubstr("credential plugin " + folder_ + "/plugin: exit code 7: please log in")));
  EXPECT_THAT(Error({.command = Script("exit 1")}), HasSubstr("exit code 1: it says nothing"));
  EXPECT_THAT(Error({.command = "leadline-absent", .install_hint = "get it\nthere"}),
              HasSubstr("leadline-absent: No such file or directory: get it there"));
  EXPECT_THAT(Error({.command = Script("exec sleep 1000"), .time_limit_ms = 100}),
              HasSubstr("has not ended within 100 ms"));
}

struct WrongAnswer {
  const char* name;
  const char* text;
  const char* error;
};

class WrongAnswers : public testing::TestWithParam<WrongAnswer> {};

TEST_P(WrongAnswers, AreNamed) {
  const auto decoded = DecodeExecCredential(GetParam().text, kV1);
  EXPECT_THAT(std::string(StatusMessage(decoded.status())), HasSubstr(GetParam().error));
  EXPECT_THAT(std::string(StatusMessage(decoded.status())), Not(HasSubstr("secret")));
}

#define LL_ANSWER(status) \
  R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1")" status "}"

INSTANTIATE_TEST_SUITE_P(
    All, WrongAnswers,
    testing::Values(
        WrongAnswer{"Nothing", "", "no JSON"}, WrongAnswer{"NoObject", "[]", "not a JSON object"},
        WrongAnswer{"OtherKind", R"({"kind":"Pod","apiVersion":"v1"})", "gives a Pod of v1"},
        WrongAnswer{
            "OtherVersion",
            R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1",)"
            R"("status":{"token":"secret"}})",
            "v1beta1, where ExecCredential of client.authentication.k8s.io/v1 is wanted"},
        WrongAnswer{"NoStatus", LL_ANSWER(""), "gives no status"},
        WrongAnswer{"EmptyStatus", LL_ANSWER(R"(,"status":{})"), "neither a token nor"},
        WrongAnswer{"KeyOnly", LL_ANSWER(R"(,"status":{"clientKeyData":"secret"})"),
                    "without the other"},
        WrongAnswer{
            "NoPem",
            LL_ANSWER(R"(,"status":{"clientKeyData":"secret","clientCertificateData":"secret"})"),
            "not PEM"},
        WrongAnswer{"BadToken", LL_ANSWER(R"(,"status":{"token":"secret\r\nX: y"})"),
                    "spaces or control"},
        WrongAnswer{"BadTime",
                    LL_ANSWER(R"(,"status":{"token":"secret","expirationTimestamp":"soon"})"),
                    "\"expirationTimestamp\" is not a time"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace leadline::kube::auth
