#include "collector/api/openapi.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "collector/api/json_writer.h"
#include "collector/api/schemas.h"
#include "common/version.h"

namespace leadline::collector::api {
namespace {

using http::Parameter;
using http::Route;

std::string_view ParameterSchema(Parameter::Kind kind) {
  switch (kind) {
    case Parameter::Kind::kText:
    case Parameter::Kind::kFlag:
      return R"({"type":"string"})";
    case Parameter::Kind::kTime:
      return R"({"type":"string","description":"RFC 3339, or Unix seconds."})";
    case Parameter::Kind::kDuration:
      return R"({"type":"string","description":"A number of seconds, or as 1h30m."})";
    case Parameter::Kind::kCount:
      return R"({"type":"integer","minimum":0})";
  }
  return "{}";
}

void WriteParameterSchema(const Parameter& parameter, JsonWriter& json) {
  if (parameter.presence == Parameter::Presence::kRepeated) {
    json.Raw(fmt::format(R"({{"type":"array","items":{}}})", ParameterSchema(parameter.kind)));
  } else {
    json.Raw(ParameterSchema(parameter.kind));
  }
}

bool IsRequired(const Parameter& parameter) {
  return parameter.presence == Parameter::Presence::kRequired;
}

void WriteParameter(std::string_view in, const Parameter& parameter, JsonWriter& json) {
  json.BeginObject();
  json.Member("name", parameter.name);
  json.Member("in", in);
  if (!parameter.help.empty()) json.Member("description", parameter.help);
  if (IsRequired(parameter)) {
    json.Key("required");
    json.Bool(true);
  }
  json.Key("schema");
  WriteParameterSchema(parameter, json);
  json.EndObject();
}

// The names in braces.
std::vector<std::string_view> PathParameters(std::string_view pattern) {
  std::vector<std::string_view> names;
  for (size_t at = pattern.find('{'); at != std::string_view::npos; at = pattern.find('{', at)) {
    const size_t end = pattern.find('}', at);
    if (end == std::string_view::npos) break;
    names.push_back(pattern.substr(at + 1, end - at - 1));
    at = end;
  }
  return names;
}

void WriteParameters(const Route& route, JsonWriter& json) {
  json.Key("parameters");
  json.BeginArray();
  for (const std::string_view name : PathParameters(route.pattern)) {
    WriteParameter("path", {.name = name, .presence = Parameter::Presence::kRequired}, json);
  }
  if (route.method == "GET") {
    for (const Parameter& parameter : route.about.parameters) {
      WriteParameter("query", parameter, json);
    }
  }
  json.EndArray();
}

void WriteBody(std::string_view type, JsonWriter& json) {
  json.Key("requestBody");
  json.BeginObject();
  json.Key("content");
  json.BeginObject();
  json.Key(type);
  json.BeginObject();
  json.EndObject();
  json.EndObject();
  json.EndObject();
}

void WriteForm(const Route& route, JsonWriter& json) {
  json.Key("requestBody");
  json.BeginObject();
  json.Key("content");
  json.BeginObject();
  json.Key("application/x-www-form-urlencoded");
  json.BeginObject();
  json.Key("schema");
  json.BeginObject();
  json.Member("type", "object");
  json.Key("required");
  json.BeginArray();
  for (const Parameter& parameter : route.about.parameters) {
    if (IsRequired(parameter)) json.String(parameter.name);
  }
  json.EndArray();
  json.Key("properties");
  json.BeginObject();
  for (const Parameter& parameter : route.about.parameters) {
    json.Key(parameter.name);
    WriteParameterSchema(parameter, json);
  }
  json.EndObject();
  json.EndObject();
  json.EndObject();
  json.EndObject();
  json.EndObject();
}

std::string Reference(std::string_view schema) {
  return fmt::format(R"({{"$ref":"#/components/schemas/{}"}})", schema);
}

std::string AnswerSchema(std::string_view name) {
  const Schema* const schema = FindSchema(name);
  if (schema == nullptr || schema->bare) return Reference(name);
  return fmt::format(
      R"({{"type":"object","additionalProperties":false,"required":["status","data"],"properties":)"
      R"({{"status":{{"const":"success"}},"data":{},"warnings":{},"infos":{}}}}})",
      Reference(name), Reference("Strings"), Reference("Strings"));
}

void WriteContent(std::string_view type, std::string_view schema, JsonWriter& json) {
  json.Key(type);
  json.BeginObject();
  json.Key("schema");
  json.Raw(schema);
  json.EndObject();
}

void WriteAnswers(const Route& route, JsonWriter& json) {
  constexpr std::string_view kText = R"({"type":"string"})";
  constexpr int kNoContent = 204;
  const bool is_json = !route.about.schema.empty();
  json.Key("responses");
  json.BeginObject();
  json.Key(std::to_string(route.about.status));
  json.BeginObject();
  if (route.about.status == kNoContent) {
    json.Member("description", "It is done.");
  } else {
    json.Member("description", "What was asked for.");
    json.Key("content");
    json.BeginObject();
    if (is_json) {
      WriteContent("application/json", AnswerSchema(route.about.schema), json);
    } else {
      WriteContent(route.about.answer, route.about.answer == "text/plain" ? kText : "{}", json);
    }
    json.EndObject();
  }
  json.EndObject();
  json.Key("default");
  json.BeginObject();
  json.Member("description",
              is_json ? "Why there is no answer; as text where the request did not come so far."
                      : "Why there is no answer.");
  json.Key("content");
  json.BeginObject();
  if (is_json) WriteContent("application/json", Reference("Error"), json);
  WriteContent("text/plain", kText, json);
  json.EndObject();
  json.EndObject();
  json.EndObject();
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

void WriteOperation(const Route& route, JsonWriter& json) {
  json.Key(Lower(route.method));
  json.BeginObject();
  json.Member("summary", route.about.summary);
  WriteParameters(route, json);
  if (!route.about.body.empty()) {
    WriteBody(route.about.body, json);
  } else if (route.method != "GET" && !route.about.parameters.empty()) {
    WriteForm(route, json);
  }
  WriteAnswers(route, json);
  json.EndObject();
}

void WritePaths(absl::Span<const Route> routes, JsonWriter& json) {
  std::vector<std::string_view> patterns;
  for (const Route& route : routes) {
    if (std::find(patterns.begin(), patterns.end(), route.pattern) != patterns.end()) continue;
    patterns.push_back(route.pattern);
  }
  json.BeginObject();
  for (const std::string_view pattern : patterns) {
    json.Key(pattern);
    json.BeginObject();
    for (const Route& route : routes) {
      if (route.pattern == pattern) WriteOperation(route, json);
    }
    json.EndObject();
  }
  json.EndObject();
}

}  // namespace

std::string OpenApiDocument(absl::Span<const http::Route> routes) {
  std::string document;
  JsonWriter json(document);
  json.BeginObject();
  json.Member("openapi", "3.1.0");
  json.Key("info");
  json.BeginObject();
  json.Member("title", "Leadline collector");
  json.Member("version", kVersion);
  json.EndObject();
  json.Key("paths");
  WritePaths(routes, json);
  json.Key("components");
  json.BeginObject();
  json.Key("schemas");
  json.BeginObject();
  for (const Schema& schema : Schemas()) {
    json.Key(schema.name);
    json.Raw(schema.json);
  }
  json.EndObject();
  json.EndObject();
  json.EndObject();
  return document;
}

}  // namespace leadline::collector::api
