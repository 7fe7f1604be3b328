#include "kube/reflector.h"

#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "tests/unit/kube/server/scripted_server.h"
#include "tests/unit/kube/testing.h"

namespace leadline::kube {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

std::string PodJson(const std::string& name, int version) {
  return fmt::format(
      R"({{"metadata":{{"name":"{0}","namespace":"shop","uid":"uid-{0}","resourceVersion":"{1}"}}}})",
      name, version);
}

std::string Page(const std::vector<std::string>& pods, int version,
                 const std::string& continue_token = "") {
  return fmt::format(
      R"({{"kind":"PodList","metadata":{{"resourceVersion":"{}","continue":"{}"}},"items":[{}]}})",
      version, continue_token, fmt::join(pods, ","));
}

Handler List(const std::vector<std::string>& pods, int version,
             const std::string& continue_token = "") {
  return [=](Exchange& exchange) { exchange.Reply(200, Page(pods, version, continue_token)); };
}

Handler Refuse(int status, const std::string& headers = "") {
  return [=](Exchange& exchange) {
    exchange.Reply(status, fmt::format(R"({{"kind":"Status","message":"no","code":{}}})", status),
                   headers);
  };
}

std::string Event(const std::string& type, const std::string& object) {
  return fmt::format(R"({{"type":"{}","object":{}}})", type, object) + "\n";
}

std::string Bookmark(int version) {
  return Event("BOOKMARK", fmt::format(R"({{"metadata":{{"resourceVersion":"{}"}}}})", version));
}

// Sends the text and ends the watch as a server does after timeoutSeconds.
Handler WatchOf(const std::string& text) {
  return [=](Exchange& exchange) {
    exchange.BeginStream();
    exchange.Chunk(text);
    exchange.EndStream();
  };
}

class ReflectorTest : public testing::Test {
 protected:
  void Start(std::vector<Handler> script) {
    for (Handler& handler : script) server_.Append(std::move(handler));
    auto reflector = Reflector::Start(
        client_.url.empty() ? ClientConfig{.url = server_.url()} : client_, PodsOfNode("n1"),
        options_, clock_, std::make_unique<FakePauser>(pauses_, hold_pauses_),
        ReflectorMetrics(registry_, "test", "pods"),
        [this](const kube::Event& event) { Record(event); });
    ASSERT_TRUE(reflector.ok()) << reflector.status();
    reflector_ = *std::move(reflector);
  }

  void Record(const kube::Event& event) {
    std::string line;
    switch (event.type) {
      case EventType::kAdded:
        line = "added";
        break;
      case EventType::kModified:
        line = "modified";
        break;
      case EventType::kDeleted:
        line = "deleted";
        break;
      case EventType::kSynced:
        line = "synced";
        break;
    }
    if (event.object != nullptr) {
      line += fmt::format(" {}@{}", event.object->meta.name, event.object->meta.resource_version);
    }
    MutexLock lock(mutex_);
    events_.push_back(line);
  }

  // The events up to the request after them: what is asked next shows that they were handled.
  std::vector<std::string> EventsBefore(size_t requests) {
    requests_ = server_.WaitForRequests(requests);
    EXPECT_THAT(requests_, SizeIs(Ge(requests)));
    MutexLock lock(mutex_);
    return events_;
  }

  std::string WatchedFrom(size_t request) const {
    const auto& query = requests_.at(request).query;
    return query.contains("watch") ? query.at("resourceVersion") : "no watch";
  }
  std::string ListedAt(size_t request) const {
    const auto& query = requests_.at(request).query;
    if (query.contains("watch")) return "no list";
    return query.contains("resourceVersion") ? query.at("resourceVersion") : "newest";
  }
  double WatchEnds(const std::string& reason) const {
    return MetricValue(registry_, "test_kube_watch_ends_total", "reason", reason);
  }

  ManualClock clock_{1'000'000};
  prometheus::Registry registry_;
  FakePauser::Log pauses_;
  bool hold_pauses_ = false;
  ReflectorOptions options_;
  ClientConfig client_;
  ScriptedServer server_;
  std::vector<SeenRequest> requests_;

  Mutex mutex_;
  std::vector<std::string> events_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Reflector> reflector_;  // stopped first
};

TEST_F(ReflectorTest, ListsInPagesAndThenWatches) {
  options_.list.page_limit = 2;
  Start({List({PodJson("a", 1), PodJson("b", 2)}, 10, "next=/+"), List({PodJson("c", 3)}, 10)});
  EXPECT_THAT(EventsBefore(3), ElementsAre("added a@1", "added b@2", "added c@3", "synced"));
  EXPECT_EQ(requests_[0].target,
            "/api/v1/pods?limit=2&fieldSelector=spec.nodeName%3Dn1&resourceVersion=0");
  EXPECT_EQ(requests_[1].target,
            "/api/v1/pods?limit=2&fieldSelector=spec.nodeName%3Dn1&continue=next%3D%2F%2B");
  const auto& watch = requests_[2].query;
  EXPECT_EQ(watch.at("watch"), "1");
  EXPECT_EQ(watch.at("resourceVersion"), "10");
  EXPECT_EQ(watch.at("allowWatchBookmarks"), "true");
  EXPECT_EQ(watch.at("fieldSelector"), "spec.nodeName%3Dn1");
  EXPECT_THAT(std::stoi(watch.at("timeoutSeconds")), AllOf(Ge(300), Le(600)));
  EXPECT_THAT(pauses_.Pauses(), IsEmpty());
}

TEST_F(ReflectorTest, DeliversTheEventsOfAWatchInOrder) {
  Start({List({PodJson("a", 1)}, 10),
         WatchOf(Event("ADDED", PodJson("b", 11)) + Event("MODIFIED", PodJson("a", 12)) +
                 Event("DELETED", PodJson("b", 13)))});
  EXPECT_THAT(EventsBefore(3),
              ElementsAre("added a@1", "synced", "added b@11", "modified a@12", "deleted b@13"));
  EXPECT_EQ(WatchedFrom(2), "13");
  EXPECT_THAT(pauses_.Pauses(), IsEmpty());
  EXPECT_EQ(MetricValue(registry_, "test_kube_objects"), 1);
  EXPECT_EQ(MetricValue(registry_, "test_kube_events_total", "type", "modified"), 1);
  EXPECT_EQ(MetricValue(registry_, "test_kube_last_event_timestamp_seconds"), 1000);
}

TEST_F(ReflectorTest, EventsMayBeCutAnywhere) {
  const std::string text = Event("ADDED", PodJson("a", 11)) + Event("ADDED", PodJson("b", 12));
  Start({List({}, 10), [text](Exchange& exchange) {
           exchange.BeginStream();
           for (const char byte : text) exchange.Chunk({&byte, 1});
           exchange.EndStream();
         }});
  EXPECT_THAT(EventsBefore(3), ElementsAre("synced", "added a@11", "added b@12"));
}

TEST_F(ReflectorTest, ABookmarkMovesTheVersionToResumeFrom) {
  Start({List({}, 10), WatchOf(Event("ADDED", PodJson("a", 11)) + Bookmark(40))});
  EXPECT_THAT(EventsBefore(3), ElementsAre("synced", "added a@11"));
  EXPECT_EQ(WatchedFrom(2), "40");
  EXPECT_EQ(WatchEnds("closed"), 1);
}

TEST_F(ReflectorTest, WhatIsKnownInThatVersionIsNotDeliveredAgain) {
  Start({List({PodJson("a", 1)}, 10),
         WatchOf(Event("ADDED", PodJson("a", 1)) + Event("ADDED", PodJson("a", 11)) +
                 Event("DELETED", PodJson("x", 12)))});
  EXPECT_THAT(EventsBefore(3), ElementsAre("added a@1", "synced", "modified a@11"));
}

TEST_F(ReflectorTest, GoneAsAStatusListsAnewAndDeliversTheDifferences) {
  Start({List({PodJson("a", 1), PodJson("b", 2), PodJson("c", 3)}, 10), Refuse(410),
         List({PodJson("b", 2), PodJson("c", 15), PodJson("d", 16)}, 20)});
  EXPECT_THAT(EventsBefore(4), ElementsAre("added a@1", "added b@2", "added c@3", "synced",
                                           "deleted a@1", "modified c@15", "added d@16", "synced"));
  EXPECT_EQ(ListedAt(2), "10");  // from the server's memory, but not older than what we saw
  EXPECT_EQ(WatchedFrom(3), "20");
  EXPECT_EQ(WatchEnds("gone"), 1);
}

TEST_F(ReflectorTest, GoneAsAnEventListsAnew) {
  Start({List({PodJson("a", 1)}, 10),
         WatchOf(Event("MODIFIED", PodJson("a", 11)) +
                 Event("ERROR", R"({"kind":"Status","code":410,"reason":"Expired"})") +
                 Event("ADDED", PodJson("late", 12))),
         List({}, 20)});
  EXPECT_THAT(EventsBefore(4),
              ElementsAre("added a@1", "synced", "modified a@11", "deleted a@11", "synced"));
  EXPECT_EQ(ListedAt(2), "11");
  EXPECT_EQ(WatchEnds("gone"), 1);
}

TEST_F(ReflectorTest, AnotherErrorEventResumes) {
  Start(
      {List({}, 10), WatchOf(Event("ADDED", PodJson("a", 11)) +
                             Event("ERROR", R"({"kind":"Status","code":500,"message":"etcd"})"))});
  EventsBefore(3);
  EXPECT_EQ(WatchedFrom(2), "11");
  EXPECT_EQ(WatchEnds("refused"), 1);
}

TEST_F(ReflectorTest, AnExpiredContinueTokenListsOnceMoreInOnePiece) {
  Start({List({PodJson("a", 1)}, 10, "token"), Refuse(410), List({PodJson("b", 2)}, 30)});
  EXPECT_THAT(EventsBefore(4), ElementsAre("added b@2", "synced"));
  EXPECT_EQ(ListedAt(2), "0");
  EXPECT_FALSE(requests_[2].query.contains("continue"));
  EXPECT_FALSE(requests_[2].query.contains("limit"));
  EXPECT_THAT(pauses_.Pauses(), IsEmpty());
  EXPECT_EQ(MetricValue(registry_, "test_kube_lists_total", "result", "ok"), 1);
  EXPECT_EQ(MetricValue(registry_, "test_kube_expired_lists_total"), 1);
}

TEST_F(ReflectorTest, AfterAnOutageTheFirstAnswerIsNotMadeToWait) {
  options_.backoff = {.initial_ms = 100, .max_ms = 30'000, .factor = 2};
  Start({List({}, 10), Refuse(503), Refuse(503), Refuse(503), Refuse(503), Refuse(410),
         List({}, 20), Refuse(410), List({}, 30)});
  EventsBefore(10);
  EXPECT_THAT(pauses_.Pauses(),
              ElementsAre(AllOf(Ge(50), Le(100)), AllOf(Ge(100), Le(200)), AllOf(Ge(200), Le(400)),
                          AllOf(Ge(400), Le(800)), AllOf(Ge(50), Le(100)),
                          AllOf(Ge(100), Le(200))));  // but a server that goes on so is spared
}

TEST_F(ReflectorTest, RefusalsAreCountedByWhatTheyAre) {
  Start({Refuse(401), Refuse(403), Refuse(429), Refuse(500), List({}, 10)});
  EventsBefore(6);
  for (const char* result : {"unauthorized", "forbidden", "throttled", "error", "ok"}) {
    EXPECT_EQ(MetricValue(registry_, "test_kube_lists_total", "result", result), 1) << result;
  }
}

TEST_F(ReflectorTest, AServerThatLostTimeIsListedAtItsNewest) {
  Start({List({PodJson("a", 90)}, 90), Refuse(410), Refuse(504), List({PodJson("a", 5)}, 6)});
  EXPECT_THAT(EventsBefore(5), ElementsAre("added a@90", "synced", "modified a@5", "synced"));
  EXPECT_EQ(ListedAt(2), "90");
  EXPECT_EQ(ListedAt(3), "newest");
}

TEST_F(ReflectorTest, ASuccessorOfTheSameNameComesAfterTheDeletion) {
  const std::string successor =
      R"({"metadata":{"name":"a","namespace":"shop","uid":"uid-2","resourceVersion":"15"}})";
  Start({List({PodJson("a", 1)}, 10), Refuse(410), List({successor}, 20)});
  EXPECT_THAT(EventsBefore(4),
              ElementsAre("added a@1", "synced", "deleted a@1", "added a@15", "synced"));
}

struct Fault {
  const char* name;
  Handler watch;
  const char* reason;
  bool lists_anew;
  const char* next_version;
};

class WatchFault : public ReflectorTest, public testing::WithParamInterface<Fault> {};

TEST_P(WatchFault, EndsTheWatchAndGoesOn) {
  const Fault& fault = GetParam();
  options_.max_event_bytes = 1000;
  options_.watch_max_silence_ms = 50;
  Start({List({PodJson("a", 1)}, 10), fault.watch});
  if (fault.lists_anew) server_.Append(List({PodJson("a", 1)}, 20));
  const std::vector<std::string> events = EventsBefore(3);
  ASSERT_THAT(events, SizeIs(Ge(2u)));
  EXPECT_EQ(fault.lists_anew ? ListedAt(2) : WatchedFrom(2), fault.next_version);
  EXPECT_GE(WatchEnds(fault.reason), 1);
  EXPECT_THAT(pauses_.Pauses(), SizeIs(Ge(1u)));
}

Handler Stream(const std::string& text, const std::function<void(Exchange&)>& then) {
  return [=](Exchange& exchange) {
    exchange.BeginStream();
    exchange.Chunk(text);
    then(exchange);
  };
}

INSTANTIATE_TEST_SUITE_P(
    Faults, WatchFault,
    testing::Values(
        Fault{"Reset",
              [](Exchange& exchange) {
                exchange.BeginStream();
                exchange.Reset();
              },
              "broken_off", false, "10"},
        Fault{"SilentAfterABookmark",
              [](Exchange& exchange) {
                exchange.BeginStream();
                exchange.Chunk(Bookmark(33));
                exchange.Hold();
              },
              "silent", false, "33"},
        Fault{"SilentFromTheStart", [](Exchange& exchange) { exchange.Hold(); }, "silent", false,
              "10"},
        Fault{"ClosedAtOnce", WatchOf(""), "broken_off", false, "10"},
        Fault{"TruncatedEvent", WatchOf(Bookmark(12) + R"({"type":"ADDED","obj)"), "truncated",
              false, "12"},
        Fault{"Garbage", WatchOf(Bookmark(12) + "<html>gateway</html>\n"), "unreadable", true,
              "12"},
        Fault{"NotAnEvent", WatchOf(Bookmark(12) + "[1,2]\n"), "unreadable", true, "12"},
        Fault{"EventWithoutObject", WatchOf(Bookmark(12) + R"({"type":"ADDED"})" + "\n"),
              "unreadable", true, "12"},
        Fault{"TooLong",
              WatchOf(Bookmark(12) + Event("ADDED", "\"" + std::string(2000, 'x') + "\"")),
              "unreadable", true, "12"},
        Fault{"NeverEndingLine",
              Stream(std::string(2000, ' '), [](Exchange& exchange) { exchange.Hold(); }),
              "unreadable", true, "10"},
        Fault{"DeeplyNested",
              WatchOf(R"({"type":"ADDED","object":)" + std::string(200, '[') + "\n"), "unreadable",
              true, "10"},
        Fault{"ServerError", Refuse(500), "refused", false, "10"},
        Fault{"TooManyRequests", Refuse(429), "refused", false, "10"},
        Fault{"Forbidden", Refuse(403), "refused", true, "10"},
        Fault{"BadRequest", Refuse(400), "refused", true, "10"},
        Fault{"NoHttp",
              [](Exchange& exchange) {
                exchange.Send("what?\r\n\r\n");
                exchange.Reset();
              },
              "broken_off", false, "10"}),
    [](const auto& test) { return test.param.name; });

TEST_F(ReflectorTest, ABadObjectIsSkippedAndCounted) {
  Start({List({PodJson("a", 1), R"({"metadata":{"name":"no uid"}})",
               R"({"metadata":{"name":"x","namespace":"n","uid":"u","labels":[]}})", "7"},
              10),
         WatchOf(Event("MODIFIED", R"({"metadata":{"name":"b","resourceVersion":"11"}})") +
                 Event("ADDED", PodJson("c", 12)) +
                 Event("MODIFIED", R"({"metadata":{"name":"b","resourceVersion":"13"}})"))});
  EXPECT_THAT(EventsBefore(3), ElementsAre("added a@1", "synced", "added c@12"));
  EXPECT_EQ(WatchedFrom(2), "13");
  EXPECT_EQ(MetricValue(registry_, "test_kube_bad_objects_total", "source", "list"), 3);
  EXPECT_EQ(MetricValue(registry_, "test_kube_bad_objects_total", "source", "watch"), 2);
}

TEST_F(ReflectorTest, UnknownEventsAreCountedAndPassedOver) {
  Start({List({}, 10), WatchOf(Event("FUTURE", PodJson("a", 11)))});
  EXPECT_THAT(EventsBefore(3), ElementsAre("synced"));
  EXPECT_EQ(WatchedFrom(2), "11");
  EXPECT_EQ(MetricValue(registry_, "test_kube_events_total", "type", "unknown"), 1);
}

TEST_F(ReflectorTest, PausesGrowAndASuccessResetsThem) {
  options_.backoff = {.initial_ms = 100, .max_ms = 300, .factor = 2};
  Start({Refuse(500), Refuse(503), Refuse(500), List({}, 10), Refuse(500), WatchOf(Bookmark(11)),
         Refuse(500)});
  EventsBefore(8);
  EXPECT_THAT(pauses_.Pauses(),
              ElementsAre(AllOf(Ge(50), Le(100)), AllOf(Ge(100), Le(200)), AllOf(Ge(150), Le(300)),
                          AllOf(Ge(150), Le(300)), AllOf(Ge(50), Le(100))));
}

TEST_F(ReflectorTest, SilenceDoesNotMakePausesGrow) {
  options_.backoff = {.initial_ms = 100, .max_ms = 30'000, .factor = 2};
  options_.watch_max_silence_ms = 20;
  const auto silent = [](Exchange& exchange) { exchange.Hold(); };
  Start({List({}, 10), silent, silent, silent});
  EventsBefore(5);
  EXPECT_THAT(pauses_.Pauses(), AllOf(SizeIs(Ge(3u)), Each(AllOf(Ge(50), Le(100)))));
}

TEST_F(ReflectorTest, APauseThatTheServerAsksForIsKept) {
  Start({Refuse(429, "Retry-After: 7\r\n"), List({}, 10), Refuse(503, "Retry-After: 9\r\n")});
  EventsBefore(4);
  EXPECT_THAT(pauses_.Pauses(), ElementsAre(7000, 9000));
}

TEST_F(ReflectorTest, APauseUntilATimeIsKept) {
  const std::string until = absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT",
                                             absl::Now() + absl::Seconds(9), absl::UTCTimeZone());
  Start({Refuse(429, fmt::format("Retry-After: {}\r\n", until)), List({}, 10)});
  EventsBefore(2);
  EXPECT_THAT(pauses_.Pauses(), ElementsAre(AllOf(Ge(6000), Le(9000))));
}

TEST_F(ReflectorTest, AListThatIsNoListIsTriedAgain) {
  Start(
      {[](Exchange& exchange) { exchange.Reply(200, "<html>"); },
       [](Exchange& exchange) { exchange.Reply(200, R"({"items":[]})"); },
       [](Exchange& exchange) { exchange.Reply(200, R"({"metadata":{"resourceVersion":"9"}})"); }});
  EXPECT_THAT(EventsBefore(4), ElementsAre("synced"));
  EXPECT_EQ(WatchedFrom(3), "9");
  EXPECT_EQ(MetricValue(registry_, "test_kube_lists_total", "result", "error"), 2);
}

TEST_F(ReflectorTest, ASilentListIsTriedAgainAtTheSameVersion) {
  options_.list.max_silence_ms = 50;
  Start({[](Exchange& exchange) { exchange.Hold(); }, List({}, 10)});
  EXPECT_THAT(EventsBefore(3), ElementsAre("synced"));
  EXPECT_EQ(ListedAt(1), "0");
  EXPECT_EQ(MetricValue(registry_, "test_kube_lists_total", "result", "error"), 1);
  EXPECT_EQ(MetricValue(registry_, "test_kube_lists_total", "result", "gone"), 0);
}

TEST_F(ReflectorTest, APageOverTheLimitIsRefused) {
  options_.list.max_page_bytes = 100;
  Start({List({PodJson("a", 1)}, 10), List({}, 11)});
  EXPECT_THAT(EventsBefore(3), ElementsAre("synced"));
}

TEST_F(ReflectorTest, AServerThatIsNotThereIsWaitedFor) {
  {
    ScriptedServer gone;
    client_.url = gone.url();
  }
  hold_pauses_ = true;
  Start({});
  pauses_.WaitForPauses(1);
  reflector_.reset();  // in the middle of a pause
  MutexLock lock(mutex_);
  EXPECT_THAT(events_, IsEmpty());
}

TEST_F(ReflectorTest, StopsInTheMiddleOfAWatch) {
  Start({List({}, 10)});
  EventsBefore(2);
  reflector_.reset();
}

TEST_F(ReflectorTest, StopsInTheMiddleOfAList) {
  Start({});
  EventsBefore(1);
  reflector_.reset();
}

TEST(Reflector, RefusesAConfigurationThatCannotWork) {
  prometheus::Registry registry;
  FakePauser::Log log;
  const auto reflector =
      Reflector::Start({.url = "ftp://example"}, PodsOfNode("n1"), {}, SystemClock(),
                       std::make_unique<FakePauser>(log),
                       ReflectorMetrics(registry, "test", "pods"), [](const kube::Event&) {});
  EXPECT_EQ(reflector.status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace leadline::kube
