#include "kube/lister.h"

#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/status_macros.h"
#include "common/status_text.h"
#include "kube/json.h"
#include "kube/url.h"

namespace leadline::kube {
namespace {

namespace json = boost::json;

std::string Target(const Resource& resource, const ListOptions& options, bool in_pages,
                   const std::string& resource_version, const std::string& continue_token) {
  std::vector<std::string> query;
  const bool paged = in_pages && (resource_version.empty() || resource_version == "0");
  if (paged) query.push_back(fmt::format("limit={}", options.page_limit));
  if (!resource.field_selector.empty()) {
    query.push_back(fmt::format("fieldSelector={}", PercentEncode(resource.field_selector)));
  }
  if (!continue_token.empty()) {  // goes without a version: the token holds it
    query.push_back(fmt::format("continue={}", PercentEncode(continue_token)));
  } else if (!resource_version.empty()) {
    query.push_back(fmt::format("resourceVersion={}", PercentEncode(resource_version)));
  }
  return fmt::format("{}?{}", resource.path, fmt::join(query, "&"));
}

// Adds the page to the list and returns its continue token.
absl::StatusOr<std::string> AddPage(std::string_view body, const Resource& resource,
                                    ObjectList& list) {
  LL_ASSIGN_OR_RETURN(const json::value document, ParseJson(body));
  FieldReader reader;
  const json::object* root = reader.Root(document);
  const json::object* metadata = reader.Object(root, "metadata");
  list.resource_version = reader.Required(metadata, "resourceVersion");
  std::string continue_token(reader.String(metadata, "continue"));
  const json::array* items = reader.Array(root, "items");
  if (!reader.status().ok()) return reader.status();
  ++list.pages;
  if (items == nullptr) return continue_token;
  for (const json::value& item : *items) {
    auto object = resource.decode(item);
    if (object.ok()) {
      list.objects.push_back(*std::move(object));
      continue;
    }
    ++list.bad_objects;
    spdlog::warn("list of {}: skipped an object: {}", resource.name,
                 StatusMessage(object.status()));
  }
  return continue_token;
}

}  // namespace

absl::StatusOr<ObjectList> List(HttpSession& session, const Resource& resource,
                                const ListOptions& options, const std::string& resource_version,
                                HttpResponse& response) {
  ObjectList list;
  std::string continue_token;
  do {
    const HttpRequest request{
        .target = Target(resource, options, !list.expired, resource_version, continue_token),
        .max_silence_ms = options.max_silence_ms};
    response = {};
    auto body = session.GetBody(request, options.max_page_bytes, &response);
    if (!continue_token.empty() && body.status().code() == absl::StatusCode::kOutOfRange) {
      spdlog::info("list of {}: {} pages took longer than the server keeps them: once more, whole",
                   resource.name, list.pages);
      list = {.expired = true};
      continue_token.clear();
      continue;
    }
    if (!body.ok()) return body.status();
    LL_ASSIGN_OR_RETURN(continue_token, AddPage(*body, resource, list));
  } while (list.pages == 0 || !continue_token.empty());
  return list;
}

}  // namespace leadline::kube
