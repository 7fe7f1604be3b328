#include "common/flags/program.h"

#include <cstdio>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/flags/flags.h"

namespace leadline::flags {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// A program with every kind of option.
class ProgramTest : public testing::Test {
 protected:
  ProgramTest() : program_("program", "What it does.") {
    CLI::App& app = program_.app();
    app.add_option("--data", data_)->required()->check(IsNotEmpty())->type_name("DIR");
    app.add_option("--http", http_, "Where | it listens")
        ->check(IsHostPort())
        ->type_name("HOST:PORT")
        ->capture_default_str();
    AddDuration(app, "--interval", interval_, "10s", "How often", absl::Milliseconds(100));
    app.add_option("--count", count_, "How many")
        ->check(CLI::Range(0U, 9U).description(""))
        ->type_name("NUMBER")
        ->capture_default_str();
    app.add_option("--peer", peers_, "Others")->check(IsHostPort())->type_name("HOST:PORT");
    CLI::Option* url = app.add_option("-k,--kubernetes", url_, "A URL")->type_name("URL");
    app.add_option("--kubernetes-token", token_)->needs(url)->type_name("FILE");
    app.add_option("--kubeconfig", kubeconfig_)->excludes(url)->type_name("FILE");
    app.add_flag("--dry-run", dry_run_, "Do nothing");
    program_.AddCheck([this]() -> std::vector<Conflict> {
      if (http_ != "0.0.0.0:1") return {};
      return {{"http", "is open to all"}, {"data", "is never right with that"}};
    });
  }
  ~ProgramTest() override { std::remove(file_.c_str()); }

  void Write(const std::string& text) { std::ofstream(file_) << text; }

  // Parses the arguments after --config with the file, and --data where the file has none.
  std::optional<int> Parse(std::vector<const char*> arguments, bool with_data = true) {
    arguments.insert(arguments.begin(), {"program", "--config", file_.c_str()});
    if (with_data) arguments.insert(arguments.end(), {"--data", "/d"});
    std::ostringstream out, err;
    const auto exit_code =
        program_.Parse(static_cast<int>(arguments.size()), arguments.data(), out, err);
    out_ = out.str();
    err_ = err.str();
    return exit_code;
  }

  // What is wrong with the file, as the program says it and without its beginning.
  std::string Errors() {
    EXPECT_EQ(Parse({}), kUsageError);
    std::string errors = err_;
    const std::string prefix = "program: " + file_ + ":";
    const std::string suffix = "See \"program --help\".\n";
    EXPECT_TRUE(errors.ends_with(suffix)) << errors;
    errors.resize(errors.size() - suffix.size());
    for (size_t at; (at = errors.find(prefix)) != std::string::npos;) {
      errors.erase(at, prefix.size());
    }
    return errors;
  }

  const std::string file_ = testing::TempDir() + "leadline_program_test_" +
                            testing::UnitTest::GetInstance()->current_test_info()->name() + ".yaml";
  std::string data_, http_ = "127.0.0.1:1", url_, token_, kubeconfig_;
  absl::Duration interval_;
  uint32_t count_ = 3;
  std::vector<std::string> peers_;
  bool dry_run_ = false;
  Program program_;
  std::string out_, err_;
};

TEST_F(ProgramTest, TheFileSetsWhatTheCommandLineDoesNot) {
  Write(
      "data: /from/file\nhttp: 10.0.0.1:2\ninterval: 1m\ncount: 7\npeer: [a:1, b:2]\n"
      "dry-run: true\nkubernetes: http://x\nkubernetes-token: t\n");
  EXPECT_EQ(Parse({"--interval", "5s"}, false), std::nullopt) << err_;
  EXPECT_EQ(data_, "/from/file");  // required, and only in the file
  EXPECT_EQ(http_, "10.0.0.1:2");
  EXPECT_EQ(interval_, absl::Seconds(5));
  EXPECT_EQ(count_, 7U);
  EXPECT_THAT(peers_, ElementsAre("a:1", "b:2"));
  EXPECT_TRUE(dry_run_);
  EXPECT_EQ(url_, "http://x");
  EXPECT_EQ(token_, "t");
}

TEST_F(ProgramTest, WhatNeitherHasIsTheDefault) {
  Write("# nothing\n");
  EXPECT_EQ(Parse({}), std::nullopt) << err_;
  EXPECT_EQ(http_, "127.0.0.1:1");
  EXPECT_EQ(interval_, absl::Seconds(10));
  EXPECT_EQ(count_, 3U);
  EXPECT_FALSE(dry_run_);
}

TEST_F(ProgramTest, TheOrderOnTheCommandLineDoesNotMatter) {
  Write("count: 7\n");
  const std::vector<const char*> arguments = {"program", "--count",  "5",          "--data",
                                              "/d",      "--config", file_.c_str()};
  std::ostringstream out, err;
  EXPECT_EQ(program_.Parse(static_cast<int>(arguments.size()), arguments.data(), out, err),
            std::nullopt);
  EXPECT_EQ(count_, 5U);
}

TEST_F(ProgramTest, TheCommandLineOverrulesKeysThatItExcludes) {
  Write("kubernetes: http://x\nkubernetes-token: t\n");
  EXPECT_EQ(Parse({"--kubeconfig", "k"}), std::nullopt) << err_;
  EXPECT_EQ(url_, "");
  EXPECT_EQ(token_, "");
  EXPECT_EQ(kubeconfig_, "k");
}

TEST_F(ProgramTest, FalseIsAsIfItWereNotGiven) {
  Write("dry-run: false\n");
  EXPECT_EQ(Parse({}), std::nullopt) << err_;
  EXPECT_FALSE(dry_run_);
}

TEST_F(ProgramTest, AllErrorsAreToldAtOnceEachWithItsLine) {
  Write(
      "interval: 10 parsecs\n"
      "http: nowhere\n"
      "count: many\n"
      "dry-run: yes\n"
      "intervall: 1s\n"
      "Kube_Config: x\n"
      "colour: red\n"
      "data: [a, b]\n"
      "kubernetes:\n"
      "peer: [a:1, b]\n"
      "peer: c:3\n"
      "kubernetes-token: {a: b}\n");
  EXPECT_EQ(Errors(),
            "1: interval: \"10 parsecs\" is not a duration, as in 30d, 1h30m or 500ms\n"
            "2: http: \"nowhere\" is not host:port, as in 127.0.0.1:7070 or [::1]:7070\n"
            "3: count: Value many not in range 0 to 9\n"
            "4: dry-run: \"yes\" is neither true nor false\n"
            "5: intervall: unknown key; did you mean interval?\n"
            "6: Kube_Config: unknown key; did you mean kubeconfig?\n"
            "7: colour: unknown key\n"
            "8: data: is a list, where one value is wanted\n"
            "9: kubernetes: has no value\n"
            "10: peer: \"b\" is not host:port, as in 127.0.0.1:7070 or [::1]:7070\n"
            "11: peer: is here a second time, after line 10\n"
            "12: kubernetes-token: is a map, where a value is wanted\n");
}

TEST_F(ProgramTest, WhatIsNoOptionOfItsOwnIsNoKey) {
  Write("config: x\nhelp: true\nversion: true\nprint-config: true\nk: http://x\n");
  EXPECT_EQ(Errors(),
            "1: config: unknown key\n2: help: unknown key\n3: version: unknown key\n"
            "4: print-config: unknown key\n5: k: unknown key\n");
}

TEST_F(ProgramTest, OptionsThatDoNotGoTogetherNameALine) {
  Write("data: /d\nkubernetes-token: t\n");
  EXPECT_EQ(Errors(), "2: kubernetes-token: requires --kubernetes\n");
}

TEST_F(ProgramTest, ChecksOfSeveralOptionsNameTheirPlaces) {
  Write("http: 0.0.0.0:1\n");
  EXPECT_EQ(Errors(), "1: http: is open to all\nerror: --data: is never right with that\n");
}

TEST_F(ProgramTest, ErrorsOfTheCommandLineReadAsEver) {
  Write("count: 7\n");
  EXPECT_EQ(Parse({"--interval", "50ms"}), kUsageError);
  EXPECT_EQ(err_, "error: --interval: 50ms is shorter than 100ms\nSee \"program --help\".\n");
}

TEST_F(ProgramTest, AFileThatIsNotThereIsAnError) {
  EXPECT_EQ(Parse({}), kUsageError);
  EXPECT_THAT(err_, testing::StartsWith("program: " + file_ + ": is not there\n"));
}

TEST_F(ProgramTest, CheckingAFileNeedsNoRequiredOption) {
  Write("count: 7\n");
  EXPECT_THAT(program_.CheckConfig(file_), IsEmpty());
}

TEST_F(ProgramTest, CheckingAFileGivesItsErrors) {
  Write("http: 0.0.0.0:1\ndata: /d\n");
  EXPECT_THAT(program_.CheckConfig(file_),
              ElementsAre(file_ + ":1: http: is open to all",
                          file_ + ":2: data: is never right with that"));
}

TEST_F(ProgramTest, WhatIsInForceIsAConfigurationFileOfTheSame) {
  Write("data: '/with \"quotes\" # and more'\npeer: [a:1, b:2]\n");
  EXPECT_EQ(Parse({"--interval", "5s", "--print-config"}, false), 0);
  EXPECT_EQ(out_, "data: \"/with \\\"quotes\\\" # and more\"  # " + file_ +
                      ":1\n"
                      "http: \"127.0.0.1:1\"\n"
                      "interval: \"5s\"  # command line\n"
                      "count: \"3\"\n"
                      "peer: [\"a:1\", \"b:2\"]  # " +
                      file_ +
                      ":2\n"
                      "# kubernetes: URL\n"
                      "# kubernetes-token: FILE\n"
                      "# kubeconfig: FILE\n"
                      "dry-run: false\n");
  const config::ConfigFile printed = config::ParseConfig(out_);
  EXPECT_THAT(printed.problems, IsEmpty());
  EXPECT_THAT(printed.entries.front().values, ElementsAre("/with \"quotes\" # and more"));
}

TEST_F(ProgramTest, ValuesAreThoseInForce) {
  Write("peer: [a:1, b:2]\n");
  ASSERT_EQ(Parse({"--count", "7"}), std::nullopt);
  EXPECT_THAT(
      program_.Values(),
      ElementsAre(Pair("data", "/d"), Pair("http", "127.0.0.1:1"), Pair("interval", "10s"),
                  Pair("count", "7"), Pair("peer", "a:1,b:2"), Pair("kubernetes", ""),
                  Pair("kubernetes-token", ""), Pair("kubeconfig", ""), Pair("dry-run", "false")));
}

TEST_F(ProgramTest, TheReferenceHasEveryKey) {
  EXPECT_EQ(ConfigurationTable(program_),
            "| key | value | default | |\n|---|---|---|---|\n"
            "| `data` | DIR | none: it must be given |  |\n"
            "| `http` | HOST:PORT | `127.0.0.1:1` | Where \\| it listens |\n"
            "| `interval` | DURATION | `10s` | How often |\n"
            "| `count` | NUMBER | `3` | How many |\n"
            "| `peer` | HOST:PORT (list) |  | Others |\n"
            "| `kubernetes` | URL |  | A URL |\n"
            "| `kubernetes-token` | FILE |  |  |\n"
            "| `kubeconfig` | FILE |  |  |\n"
            "| `dry-run` | true or false | `false` | Do nothing |\n");
}

TEST_F(ProgramTest, HelpIsNoError) {
  std::ostringstream out, err;
  const char* const arguments[] = {"program", "--help"};
  EXPECT_EQ(program_.Parse(2, arguments, out, err), 0);
  EXPECT_THAT(out.str(), HasSubstr("--config FILE"));
  EXPECT_EQ(err.str(), "");
}

}  // namespace
}  // namespace leadline::flags
