// As much of JSON Schema (2020-12) as the API's schemas use.
#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace leadline::collector::api {

// "" where `value` is what `schema` says; otherwise where and why not. References are resolved in
// `document`. A keyword that is not known here is an error too, so that none is passed over.
std::string WhyInvalid(const boost::json::value& value, const boost::json::value& schema,
                       const boost::json::value& document, const std::string& where = "$");

}  // namespace leadline::collector::api
