// An archived answer as text for people: fields by name, lists in brackets.
//
// Not synchronized.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/types/span.h"
#include <fmt/format.h>

namespace leadline::agent::record {

class ArchiveText {
 public:
  template <typename T, typename... Rest>
  void operator()(const char* name, const T& value, const Rest&... rest) {
    if (!text_.empty() && text_.back() != '{') text_ += ' ';
    text_ += name;
    text_ += '=';
    Put(value);
    if constexpr (sizeof...(rest) > 0) (*this)(rest...);
  }

  template <typename T>
  void Put(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      Put(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_same_v<T, bool>) {
      text_ += value ? "true" : "false";
    } else if constexpr (std::is_integral_v<T>) {
      text_ += fmt::format(
          "{}", static_cast<std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>(value));
    } else if constexpr (std::is_floating_point_v<T>) {
      text_ += fmt::format("{}", value);
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      const std::string_view text = value;
      text_ += '"';
      text_ += absl::CHexEscape({text.data(), text.size()});
      text_ += '"';
    } else {
      text_ += '{';
      Fields(*this, const_cast<T&>(value));
      text_ += '}';
    }
  }
  template <typename T>
  void Put(const std::vector<T>& values) {
    Put(absl::MakeConstSpan(values));
  }
  template <typename T>
  void Put(absl::Span<const T> values) {
    text_ += '[';
    for (const T& value : values) {
      if (text_.back() != '[') text_ += ' ';
      Put(value);
    }
    text_ += ']';
  }
  template <typename T, size_t N>
  void Put(const std::array<T, N>& values) {
    Put(absl::MakeConstSpan(values));
  }
  template <typename T>
  void Put(const std::optional<T>& value) {
    if (value) return Put(*value);
    text_ += "none";
  }
  template <typename T>
  void Put(const std::shared_ptr<const T>& value) {
    Put(*value);
  }
  template <typename... T>
  void Put(const std::variant<T...>& value) {
    std::visit([this](const auto& alternative) { this->Put(alternative); }, value);
  }
  void Put(const absl::Status& status) { text_ += status.ToString(); }
  template <typename T>
  void Put(const absl::StatusOr<T>& value) {
    if (value.ok()) return Put(*value);
    Put(value.status());
  }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

template <typename T>
std::string ToText(const T& value) {
  ArchiveText text;
  text.Put(value);
  return text.text();
}

}  // namespace leadline::agent::record
