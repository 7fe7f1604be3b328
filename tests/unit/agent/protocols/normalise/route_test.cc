#include "agent/protocols/normalise/route.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace leadline::agent::protocols::normalise {
namespace {

struct RouteCase {
  std::string_view target;
  std::string_view route;
};

constexpr RouteCase kRouteCases[] = {
    {"/", "/"},
    {"/index.html", "/index.html"},
    {"/user/4711/orders?page=2", "/user/:id/orders"},
    {"/user/4711#top", "/user/:id"},
    {"/a//b/", "/a/b/"},
    {"/api/v2/users", "/api/v2/users"},
    {"/oauth2/token", "/oauth2/token"},
    {"/item/4f9d2c70-6e0e-4f42-8f6e-2f7f3b9cf2a1", "/item/:id"},
    {"/blob/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/blob/:id"},
    {"/blob/deadbeef", "/blob/:id"},
    {"/static/app.3f2a1b9c.js", "/static/:id.js"},
    {"/jquery-3.6.0.min.js", "/:id.js"},
    {"/mail/ann@example.com/inbox", "/mail/:id/inbox"},
    {"/search/%68%65", "/search/:id"},
    {"/getUserById", "/getUserById"},
    {"/t/aGVsbGZzdGlzV29ybGQ", "/t/:id"},
    {"/blog/how-to-make-a-good-monitor", "/blog/:id"},
    {"/path;jsessionid=s3cr3t/next", "/path/next"},
    {"/reset/hunter2", "/reset/:id"},
    {"/a/b/c/d/e/f/g/h/i/j", "/a/b/c/d/e/f/g/h/*"},
    {"http://user:pw@host:80/items/12?x", "/items/:id"},
    {"http://host", "/"},
    {"http://host?s3cr3t/x", "/"},
    {"host:443", ""},
    {"", ""},
    {"?x", ""},
};

TEST(RouteTest, KeepsWordsOnly) {
  for (const RouteCase& c : kRouteCases) {
    char out[kMaxRoute];
    EXPECT_EQ(Route(c.target, absl::MakeSpan(out)), c.route) << c.target;
  }
}

TEST(RouteTest, IsBounded) {
  char out[kMaxRoute];
  std::string target;
  for (int i = 0; i < 7; ++i) target += "/" + std::string(10, 'w') + "-" + std::string(20, 'x');
  const std::string_view route = Route(target + "/end", absl::MakeSpan(out));
  EXPECT_LE(route.size(), kMaxRoute);
  EXPECT_TRUE(route.ends_with("/*")) << route;
}

}  // namespace
}  // namespace leadline::agent::protocols::normalise
