#include "kube/watch_decoder.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace leadline::kube {
namespace {

const char kEvent[] =
    R"({"type":"MODIFIED","object":{"kind":"Pod","metadata":{"name":"a","namespace":"n","uid":"u",)"
    R"("resourceVersion":"7","labels":{"a":"b"},"creationTimestamp":"2026-11-22T13:50:01Z",)"
    R"("ownerReferences":[{"kind":"A","name":"b","uid":"c","controller":true}]},)"
    R"("spec":{"nodeName":"n1","hostNetwork":true,"containers":[{"name":"c","image":"i"}]},)"
    R"("status":{"podIPs":[{"ip":"::1"}],"containerStatuses":[{"name":"c","image":"i",)"
    R"("containerID":"x://y","state":{"running":{}}}]}}})";

TEST(DecodeWatchEvent, ReadsAnEvent) {
  const auto event = DecodeWatchEvent(kEvent, PodsOfNode("n1"));
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->type, WatchEventType::kModified);
  EXPECT_EQ(event->resource_version, "7");
  ASSERT_NE(event->object, nullptr);
  EXPECT_EQ(event->object->meta.uid, "u");
}

TEST(DecodeWatchEvent, AnErrorWithoutAUsableCodeIsInternal) {
  for (const char* code : {"\"410\"", "1e99", "null", "[]", "-1"}) {
    const std::string line =
        std::string(R"({"type":"ERROR","object":{"code":)") + code + R"(,"message":"m"}})";
    const auto event = DecodeWatchEvent(line, PodsOfNode("n1"));
    ASSERT_TRUE(event.ok()) << event.status();
    EXPECT_EQ(event->error.code(), absl::StatusCode::kInternal) << line;
  }
}

// Whatever is done to an event, it is an event, a bad object or an error.
TEST(DecodeWatchEvent, TakesBrokenLines) {
  std::mt19937 random(1);
  const Resource pods = PodsOfNode("n1");
  const std::string alphabet = "{}[]\":,0-eE\\u\xff nt";
  int decoded = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string line = kEvent;
    for (uint32_t edits = 1 + random() % 3; edits > 0; --edits) {
      const size_t at = random() % line.size();
      switch (random() % 3) {
        case 0:
          line[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          line.erase(at, 1 + random() % 20);
          break;
        default:
          line.insert(at, line.substr(random() % line.size(), random() % 30));
          break;
      }
      if (line.empty()) line = "{}";
    }
    const auto event = DecodeWatchEvent(line, pods);
    if (!event.ok() || event->object == nullptr) continue;
    ++decoded;
    ASSERT_TRUE(event->bad_object.ok());
    ASSERT_FALSE(event->object->meta.uid.empty()) << line;
  }
  EXPECT_GT(decoded, 100);
}

}  // namespace
}  // namespace leadline::kube
