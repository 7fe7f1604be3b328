#include "kube/json.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include <boost/json.hpp>
#include <fmt/format.h>

namespace leadline::kube {
namespace {

constexpr size_t kMaxStatusTextBytes = 200;

const boost::json::value* Find(const boost::json::object* parent, std::string_view key) {
  if (parent == nullptr) return nullptr;
  const boost::json::value* value = parent->if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

}  // namespace

absl::StatusOr<boost::json::value> ParseJson(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::json::error_code error;
  // The document dies as a whole, and is read much faster into one arena.
  auto arena = boost::json::make_shared_resource<boost::json::monotonic_resource>();
  boost::json::value json = boost::json::parse(text, error, std::move(arena), options);
  if (error) {
    return absl::InvalidArgumentError(
        fmt::format("{} bytes are no JSON: {}", text.size(), error.message()));
  }
  return json;
}

void FieldReader::Fail(std::string_view key, std::string_view problem) {
  if (!status_.ok()) return;
  status_ = absl::InvalidArgumentError(fmt::format("field \"{}\" {}", key, problem));
}

const boost::json::object* FieldReader::Root(const boost::json::value& json) {
  const boost::json::object* root = json.if_object();
  if (root == nullptr && status_.ok()) status_ = absl::InvalidArgumentError("not a JSON object");
  return root;
}

const boost::json::object* FieldReader::Object(const boost::json::object* parent,
                                               std::string_view key) {
  const boost::json::value* value = Find(parent, key);
  if (value != nullptr && !value->is_object()) Fail(key, "is not an object");
  return value == nullptr ? nullptr : value->if_object();
}

const boost::json::array* FieldReader::Array(const boost::json::object* parent,
                                             std::string_view key) {
  const boost::json::value* value = Find(parent, key);
  if (value != nullptr && !value->is_array()) Fail(key, "is not an array");
  return value == nullptr ? nullptr : value->if_array();
}

std::string_view FieldReader::String(const boost::json::object* parent, std::string_view key) {
  const boost::json::value* value = Find(parent, key);
  return value == nullptr ? std::string_view() : Text(*value, key);
}

std::string_view FieldReader::Text(const boost::json::value& element, std::string_view key) {
  const boost::json::string* text = element.if_string();
  if (text == nullptr) {
    Fail(key, "is not a string");
    return {};
  }
  return {text->data(), text->size()};
}

bool FieldReader::Bool(const boost::json::object* parent, std::string_view key) {
  const boost::json::value* value = Find(parent, key);
  if (value == nullptr) return false;
  const bool* flag = value->if_bool();
  if (flag == nullptr) Fail(key, "is not a boolean");
  return flag != nullptr && *flag;
}

uint64_t FieldReader::Number(const boost::json::object* parent, std::string_view key,
                             uint64_t max) {
  const boost::json::value* value = Find(parent, key);
  if (value == nullptr) return 0;
  boost::json::error_code error;
  const auto number = value->to_number<uint64_t>(error);
  if (error || number > max) {
    Fail(key, fmt::format("is not a whole number up to {}", max));
    return 0;
  }
  return number;
}

int64_t FieldReader::TimeMs(const boost::json::object* parent, std::string_view key) {
  const std::string text(String(parent, key));
  if (text.empty()) return 0;
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    Fail(key, "is not a time");
    return 0;
  }
  return absl::ToUnixMillis(time);
}

std::string_view FieldReader::Required(const boost::json::object* parent, std::string_view key) {
  const std::string_view text = String(parent, key);
  if (text.empty()) Fail(key, "is missing");
  return text;
}

ObjectMeta ReadMeta(FieldReader& reader, const boost::json::object* root) {
  const boost::json::object* metadata = reader.Object(root, "metadata");
  ObjectMeta meta;
  meta.uid = reader.Required(metadata, "uid");
  meta.name = reader.Required(metadata, "name");
  meta.namespace_name = reader.String(metadata, "namespace");
  meta.resource_version = reader.String(metadata, "resourceVersion");
  meta.creation_unix_ms = reader.TimeMs(metadata, "creationTimestamp");
  meta.deletion_unix_ms = reader.TimeMs(metadata, "deletionTimestamp");
  if (const boost::json::object* labels = reader.Object(metadata, "labels")) {
    for (const auto& [key, value] : *labels) {
      meta.labels.push_back(
          {std::string(key.data(), key.size()), std::string(reader.String(labels, key))});
    }
    std::sort(meta.labels.begin(), meta.labels.end());
  }
  if (const boost::json::array* owners = reader.Array(metadata, "ownerReferences")) {
    for (const boost::json::value& owner : *owners) {
      const boost::json::object* fields = reader.Root(owner);
      meta.owners.push_back({.api_version = std::string(reader.String(fields, "apiVersion")),
                             .kind = std::string(reader.Required(fields, "kind")),
                             .name = std::string(reader.Required(fields, "name")),
                             .uid = std::string(reader.Required(fields, "uid")),
                             .controller = reader.Bool(fields, "controller")});
    }
  }
  return meta;
}

std::string StatusText(std::string_view body) {
  if (const absl::StatusOr<boost::json::value> json = ParseJson(body); json.ok()) {
    FieldReader reader;
    const std::string_view message = reader.String(reader.Root(*json), "message");
    if (!message.empty()) return std::string(message);
  }
  return std::string(body.substr(0, kMaxStatusTextBytes));
}

}  // namespace leadline::kube
