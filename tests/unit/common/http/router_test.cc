#include "common/http/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::http {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

Handler Says(std::string text) {
  return [text = std::move(text)](const Request&) { return Response{.body = text}; };
}

Router RouterUnderTest() {
  Router router;
  router.Add({.method = "GET", .pattern = "/labels", .handler = Says("labels")});
  router.Add({.method = "POST", .pattern = "/labels", .handler = Says("posted")});
  router.Add(
      {.method = "GET", .pattern = "/label/{name}/values", .handler = [](const Request& request) {
         return Response{.body = request.captures.at(0)};
       }});
  return router;
}

struct Case {
  std::string method, path;
  int status;
  std::string body, route;
};

class RouterTest : public testing::TestWithParam<Case> {};

TEST_P(RouterTest, Dispatches) {
  const Router router = RouterUnderTest();
  Request request{.method = GetParam().method, .path = GetParam().path};
  const auto match = router.Find(request);
  const Response response = match.handler(request);
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_EQ(response.body, GetParam().body);
  EXPECT_EQ(match.route, GetParam().route);
}

constexpr char kNotFound[] = "404 page not found\n";

INSTANTIATE_TEST_SUITE_P(
    All, RouterTest,
    testing::Values(Case{"GET", "/labels", 200, "labels", "/labels"},
                    Case{"HEAD", "/labels", 200, "labels", "/labels"},
                    Case{"POST", "/labels", 200, "posted", "/labels"},
                    Case{"GET", "/label/job name/values", 200, "job name", "/label/{name}/values"},
                    Case{"GET", "/label//values", 404, kNotFound, "other"},
                    Case{"GET", "/label/job", 404, kNotFound, "other"},
                    Case{"GET", "/label/job/values/", 404, kNotFound, "other"},
                    Case{"GET", "/labels/", 404, kNotFound, "other"},
                    Case{"GET", "/", 404, kNotFound, "other"},
                    Case{"GET", "", 404, kNotFound, "other"},
                    Case{"GET", "*", 404, kNotFound, "other"},
                    Case{"DELETE", "/labels", 405, "405 method not allowed\n", "/labels"},
                    Case{"OPTIONS", "/labels", 204, "", "/labels"},
                    Case{"OPTIONS", "/nosuch", 404, kNotFound, "other"}));

TEST(Router, NamesTheMethodsThatAreAllowed) {
  const Router router = RouterUnderTest();
  Request request{.method = "PUT", .path = "/labels"};
  EXPECT_THAT(router.Find(request).handler(request).headers,
              ElementsAre(Pair("Allow", "GET, POST, OPTIONS")));
  request.method = "OPTIONS";
  EXPECT_THAT(router.Find(request).handler(request).headers,
              ElementsAre(Pair("Allow", "GET, POST, OPTIONS")));
}

}  // namespace
}  // namespace leadline::http
