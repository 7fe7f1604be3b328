#include "tests/unit/collector/api/json_schema.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <re2/re2.h>

namespace leadline::collector::api {
namespace {

namespace json = boost::json;

std::string Text(const json::string& text) { return std::string(text.data(), text.size()); }

bool HasType(const json::value& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "integer") return value.is_int64() || value.is_uint64();
  if (type == "number") return value.is_number();
  return false;
}

class Check {
 public:
  Check(const json::value& value, const json::object& schema, const json::value& document,
        const std::string& where)
      : value_(value), schema_(schema), document_(document), where_(where) {}

  std::string Run() const {
    for (const auto& [key, wanted] : schema_) {
      std::string why = One(std::string(key.data(), key.size()), wanted);
      if (!why.empty()) return why;
    }
    return "";
  }

 private:
  std::string One(const std::string& key, const json::value& wanted) const {
    if (key == "description" || key == "format") return "";
    if (key == "$ref") return Reference(Text(wanted.as_string()));
    if (key == "type") {
      return HasType(value_, Text(wanted.as_string())) ? ""
                                                       : Say("is no " + Text(wanted.as_string()));
    }
    if (key == "const") return value_ == wanted ? "" : Say("is not " + json::serialize(wanted));
    if (key == "enum") return Enum(wanted.as_array());
    if (key == "oneOf") return OneOf(wanted.as_array());
    if (key == "pattern") {
      return re2::RE2::PartialMatch(Text(value_.as_string()), Text(wanted.as_string()))
                 ? ""
                 : Say("does not match " + Text(wanted.as_string()));
    }
    if (key == "minLength") return AtLeast(value_.as_string().size(), wanted);
    if (key == "minItems") return AtLeast(value_.as_array().size(), wanted);
    if (key == "maxItems") {
      return value_.as_array().size() <= wanted.to_number<size_t>() ? "" : Say("is too long");
    }
    if (key == "minimum") {
      return value_.to_number<double>() >= wanted.to_number<double>() ? "" : Say("is too small");
    }
    if (key == "required") return Required(wanted.as_array());
    if (key == "properties") return Properties(wanted.as_object());
    if (key == "additionalProperties") return Others(wanted);
    if (key == "items") return Items(wanted);
    if (key == "prefixItems") return PrefixItems(wanted.as_array());
    return Say("has a schema with the unknown keyword " + key);
  }

  std::string Say(const std::string& what) const { return fmt::format("{} {}", where_, what); }

  std::string AtLeast(size_t size, const json::value& least) const {
    return size >= least.to_number<size_t>() ? "" : Say("is too short");
  }

  std::string Reference(const std::string& reference) const {
    boost::system::error_code error;
    const json::value* const found = document_.find_pointer(reference.substr(1), error);
    if (found == nullptr) return Say("has a schema with the dangling reference " + reference);
    return WhyInvalid(value_, *found, document_, where_);
  }

  std::string Enum(const json::array& allowed) const {
    for (const json::value& one : allowed) {
      if (value_ == one) return "";
    }
    return Say("is none of " + json::serialize(allowed));
  }

  std::string OneOf(const json::array& schemas) const {
    int matching = 0;
    std::string reasons;
    for (const json::value& schema : schemas) {
      const std::string why = WhyInvalid(value_, schema, document_, where_);
      matching += why.empty() ? 1 : 0;
      reasons += why + "; ";
    }
    return matching == 1 ? "" : Say(fmt::format("matches {} of oneOf: {}", matching, reasons));
  }

  std::string Required(const json::array& names) const {
    for (const json::value& name : names) {
      if (!value_.as_object().contains(name.as_string())) {
        return Say("lacks " + Text(name.as_string()));
      }
    }
    return "";
  }

  std::string Properties(const json::object& schemas) const {
    for (const auto& [name, schema] : schemas) {
      const auto* const own = value_.as_object().if_contains(name);
      if (own == nullptr) continue;
      std::string why =
          WhyInvalid(*own, schema, document_,
                     fmt::format("{}.{}", where_, std::string_view(name.data(), name.size())));
      if (!why.empty()) return why;
    }
    return "";
  }

  std::string Others(const json::value& schema) const {
    const auto* const named = schema_.if_contains("properties");
    for (const auto& [name, own] : value_.as_object()) {
      if (named != nullptr && named->as_object().contains(name)) continue;
      const std::string at =
          fmt::format("{}.{}", where_, std::string_view(name.data(), name.size()));
      if (schema.is_bool()) return schema.as_bool() ? "" : at + " is not in the schema";
      std::string why = WhyInvalid(own, schema, document_, at);
      if (!why.empty()) return why;
    }
    return "";
  }

  std::string Items(const json::value& schema) const {
    size_t i = 0;
    for (const json::value& item : value_.as_array()) {
      std::string why = WhyInvalid(item, schema, document_, fmt::format("{}[{}]", where_, i++));
      if (!why.empty()) return why;
    }
    return "";
  }

  std::string PrefixItems(const json::array& schemas) const {
    const json::array& items = value_.as_array();
    for (size_t i = 0; i < schemas.size() && i < items.size(); ++i) {
      std::string why =
          WhyInvalid(items[i], schemas[i], document_, fmt::format("{}[{}]", where_, i));
      if (!why.empty()) return why;
    }
    return "";
  }

  const json::value& value_;
  const json::object& schema_;
  const json::value& document_;
  const std::string& where_;
};

}  // namespace

std::string WhyInvalid(const json::value& value, const json::value& schema,
                       const json::value& document, const std::string& where) {
  // The type first: what else is said may make no sense of another.
  const json::object& rules = schema.as_object();
  if (const auto* const type = rules.if_contains("type");
      type != nullptr && !HasType(value, Text(type->as_string()))) {
    return fmt::format("{} is no {}", where, Text(type->as_string()));
  }
  return Check(value, rules, document, where).Run();
}

}  // namespace leadline::collector::api
