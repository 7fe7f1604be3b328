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

struct BodyCase {
  std::string query, type, coding, body;
  std::string answer;
};

class RouterBodyTest : public testing::TestWithParam<BodyCase> {};

TEST_P(RouterBodyTest, IsAForm) {
  Router router;
  router.Add({.method = "POST",
              .pattern = "/query",
              .about = {.summary = "Answers.", .parameters = {{.name = "query"}}},
              .handler = Says("answered")});
  const auto& [query, type, coding, body, answer] = GetParam();
  Request request{.method = "POST", .path = "/query", .query = query, .body = body};
  if (!type.empty()) request.headers.emplace_back("Content-Type", type);
  if (!coding.empty()) request.headers.emplace_back("Content-Encoding", coding);
  const Response response = router.Find(request).handler(request);
  EXPECT_EQ(response.status, answer == "answered" ? 200 : 415);
  EXPECT_EQ(response.body, answer);
}

constexpr char kForm[] = "application/x-www-form-urlencoded";
constexpr char kTakes[] =
    "415 unsupported media type: parameters are taken from application/x-www-form-urlencoded or "
    "the URL, and this is ";

INSTANTIATE_TEST_SUITE_P(
    All, RouterBodyTest,
    testing::Values(
        BodyCase{"", kForm, "", "query=1", "answered"},
        BodyCase{"", std::string(kForm) + "; charset=utf-8", "Identity", "query=1", "answered"},
        BodyCase{"", "", "", "", "answered"}, BodyCase{"", "text/plain", "", "", "answered"},
        BodyCase{"query=1", "application/json", "", "{}", "answered"},
        BodyCase{"", "application/json", "", "{}", std::string(kTakes) + "application/json\n"},
        BodyCase{"", "multipart/form-data; boundary=x", "", "--x--",
                 std::string(kTakes) + "multipart/form-data; boundary=x\n"},
        BodyCase{"", "", "", "query=1", std::string(kTakes) + "of no Content-Type\n"},
        BodyCase{"", kForm, "gzip", "\x1f\x8b",
                 "415 unsupported media type: a form is not taken in the encoding gzip\n"}));

// What a route says of its own bodies, and bodies of routes without parameters, are its own affair.
TEST(Router, LeavesOtherBodiesToTheirHandlers) {
  Router router;
  router.Add({.method = "POST", .pattern = "/plain", .handler = Says("plain")});
  router.Add({.method = "POST",
              .pattern = "/write",
              .about = {.summary = "Takes.", .parameters = {{.name = "a"}}, .body = "image/png"},
              .handler = Says("written")});
  for (const auto& [path, answer] : {std::pair{"/plain", "plain"}, {"/write", "written"}}) {
    Request request{.method = "POST", .path = path, .body = "x"};
    EXPECT_EQ(router.Find(request).handler(request).body, answer);
  }
}

}  // namespace
}  // namespace leadline::http
