#include "common/http/health.h"

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "common/http/router.h"

namespace leadline::http {
namespace {

TEST(Health, SaysWhichChecksFail) {
  bool healthy = true;
  const Handler handler = HealthHandler(
      "readyz", {{"log", [] { return absl::OkStatus(); }},
                 {"store", [&] {
                    return healthy ? absl::OkStatus() : absl::UnavailableError("still replaying");
                  }}});
  EXPECT_EQ(handler({}).body, "ok");
  EXPECT_EQ(handler({.query = "verbose"}).body, "[+]log ok\n[+]store ok\nreadyz check passed\n");
  healthy = false;
  EXPECT_EQ(handler({}).status, 503);
  EXPECT_EQ(handler({}).body, "[+]log ok\n[-]store failed: still replaying\nreadyz check failed\n");
}

TEST(Health, IsLiveWhileItIsNotReadyAndTheReverse) {
  absl::Status live;
  absl::Status ready = absl::UnavailableError("no collector");
  Router router;
  AddProgramRoutes(
      router,
      {.live = {{"loop", [&] { return live; }}}, .ready = {{"peer", [&] { return ready; }}}},
      std::make_shared<prometheus::Registry>());
  const auto ask = [&](const std::string& path) {
    Request request{.method = "GET", .path = path};
    return router.Find(request).handler(request);
  };
  EXPECT_EQ(ask("/livez").status, 200);
  EXPECT_EQ(ask("/readyz").status, 503);
  EXPECT_EQ(ask("/healthz").status, 503);
  std::swap(live, ready);
  EXPECT_EQ(ask("/livez").status, 503);
  EXPECT_EQ(ask("/livez").body, "[-]loop failed: no collector\nlivez check failed\n");
  EXPECT_EQ(ask("/readyz").status, 200);
}

}  // namespace
}  // namespace leadline::http
