// Beast's parser of requests, for heads that may be long.
//
// Beast keeps the length of a field's name and of its value in 16 bits, and throws where one does
// not fit, be it of the head or a trailer. Here that is error::header_limit, as a head that is too
// long.
#pragma once

#include <cstddef>

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/error_code.hpp>

namespace leadline::http {

class RequestParser final
    : public boost::beast::http::request_parser<boost::beast::http::string_body> {
 public:
  static constexpr size_t kMaxFieldBytes = 65'533;  // two are ": ", or the line's end

 private:
  void on_field_impl(boost::beast::http::field name, boost::beast::string_view text,
                     boost::beast::string_view value, boost::system::error_code& error) override {
    if (text.size() > kMaxFieldBytes || value.size() > kMaxFieldBytes) {
      error = boost::beast::http::error::header_limit;
      return;
    }
    get().insert(name, text, value);
  }
};

}  // namespace leadline::http
