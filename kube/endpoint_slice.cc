#include "kube/endpoint_slice.h"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>

#include "kube/json.h"

namespace leadline::kube {
namespace {

namespace json = boost::json;

constexpr std::string_view kServiceLabel = "kubernetes.io/service-name";

std::string TakeService(ObjectMeta& meta) {
  const auto label = std::find_if(meta.labels.begin(), meta.labels.end(),
                                  [](const Label& one) { return one.name == kServiceLabel; });
  std::string service = label == meta.labels.end() ? "" : std::move(label->value);
  meta.labels = {};
  meta.owners = {};
  return service;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Object>> DecodeEndpointSlice(const json::value& json) {
  FieldReader reader;
  const json::object* root = reader.Root(json);
  auto slice = std::make_shared<EndpointSlice>();
  slice->meta = ReadMeta(reader, root);
  slice->service = TakeService(slice->meta);
  if (slice->meta.namespace_name.empty() && reader.status().ok()) {
    return absl::InvalidArgumentError("field \"namespace\" is missing");
  }
  if (const json::array* endpoints = reader.Array(root, "endpoints")) {
    for (const json::value& endpoint : *endpoints) {
      const json::object* target = reader.Object(reader.Root(endpoint), "targetRef");
      if (reader.String(target, "kind") == "Pod") {
        slice->pod_uids.emplace_back(reader.Required(target, "uid"));
      } else {
        slice->has_others = true;
      }
    }
  }
  if (!reader.status().ok()) return reader.status();
  return slice;
}

}  // namespace leadline::kube
