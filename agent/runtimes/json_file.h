// The files in which container runtimes keep their state: JSON that others write, some of them
// users.
//
// Bounds: kMaxStateDepth, the bytes that the caller names, regular files only (a pipe would hold us
// up), and no symbolic link in the last place. Thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "boost/json/fwd.hpp"

namespace leadline::agent::runtimes {

inline constexpr size_t kMaxStateDepth = 32;
inline constexpr size_t kMaxNameBytes = 1024;

// NOT_FOUND, PERMISSION_DENIED; RESOURCE_EXHAUSTED for what is too long, INVALID_ARGUMENT for what
// is no regular file or no JSON object, INTERNAL for the rest. The text names the path.
absl::StatusOr<boost::json::object> ReadJsonFile(const std::string& path, size_t max_bytes);

// As ReadJsonFile, of a file that holds an array.
absl::StatusOr<boost::json::array> ReadJsonArray(const std::string& path, size_t max_bytes);

// nullptr unless `parent` has an object of that name.
const boost::json::object* ObjectIn(const boost::json::object* parent, std::string_view key);

// "" unless `parent` has a string of that name, and one of at most kMaxNameBytes: what is longer is
// nobody's name. The view is valid as long as the document.
std::string_view TextIn(const boost::json::object* parent, std::string_view key);

}  // namespace leadline::agent::runtimes
