// JSON of the API server: documents whose shape is documented but not ours to trust.
//
// Views are valid as long as the document. Limits: kMaxJsonDepth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/json/fwd.hpp"

#include "kube/object.h"

namespace leadline::kube {

inline constexpr size_t kMaxJsonDepth = 96;

// INVALID_ARGUMENT when the text is not one JSON document.
absl::StatusOr<boost::json::value> ParseJson(std::string_view text);

// Reads fields of objects. An absent field and null are the same and give the empty value; a field
// of another type gives the empty value too and is kept as the first error.
class FieldReader {
 public:
  const boost::json::object* Root(const boost::json::value& json);
  const boost::json::object* Object(const boost::json::object* parent, std::string_view key);
  const boost::json::array* Array(const boost::json::object* parent, std::string_view key);
  std::string_view String(const boost::json::object* parent, std::string_view key);
  // An element of an array of strings, which is the field `key`.
  std::string_view Text(const boost::json::value& element, std::string_view key);
  bool Bool(const boost::json::object* parent, std::string_view key);
  // A whole number in [0, max]; 0 where absent.
  uint64_t Number(const boost::json::object* parent, std::string_view key, uint64_t max);
  // RFC 3339; 0 where absent.
  int64_t TimeMs(const boost::json::object* parent, std::string_view key);
  // As String, but absent or "" is an error.
  std::string_view Required(const boost::json::object* parent, std::string_view key);

  const absl::Status& status() const { return status_; }

 private:
  void Fail(std::string_view key, std::string_view problem);

  absl::Status status_;
};

// The `metadata` of `root`; errors go to the reader.
ObjectMeta ReadMeta(FieldReader& reader, const boost::json::object* root);

// The `message` of a Status object, else the beginning of the text.
std::string StatusText(std::string_view body);

}  // namespace leadline::kube
