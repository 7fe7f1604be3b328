#include "collector/api/absent_api.h"

#include <string_view>

#include "collector/api/response.h"

namespace leadline::collector::api {
namespace {

struct Absent {
  const char* pattern;
  const char* summary;
  const char* schema;
  std::string_view data;  // JSON
};

constexpr Absent kAbsent[] = {
    {"/api/v1/targets", "Targets that are scraped: none.", "Targets",
     R"({"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}})"},
    {"/api/v1/targets/metadata", "Metrics of targets: none; /api/v1/metadata has what is known.",
     "TargetMetadata", "[]"},
    {"/api/v1/scrape_pools", "Pools of targets: none.", "ScrapePools", R"({"scrapePools":[]})"},
    {"/api/v1/alertmanagers", "Alertmanagers that are told of alerts: none.", "Alertmanagers",
     R"({"activeAlertmanagers":[],"droppedAlertmanagers":[]})"},
};

}  // namespace

void AddAbsentRoutes(http::Router& router) {
  for (const Absent& absent : kAbsent) {
    router.Add({.method = "GET",
                .pattern = absent.pattern,
                .about = {.summary = absent.summary, .schema = absent.schema},
                .handler = [data = absent.data](const http::Request&) {
                  return Success([data](JsonWriter& json) { json.Raw(data); });
                }});
  }
}

}  // namespace leadline::collector::api
