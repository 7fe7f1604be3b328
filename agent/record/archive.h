// Structs as bytes and back, by one description of their fields.
//
//   template <typename Archive>
//   void Fields(Archive& archive, ProbeLoss& loss) {
//     archive("reason", loss.reason, "count", loss.count);
//   }
//
// A struct is its length and its fields in their order. Fields are only added at the end: a reader
// leaves those that it does not find as they are and ignores those that it does not know. The names
// are for people (ArchiveText). The description takes a reference that is not const, since it
// serves both ways; writers change nothing.
//
// Bounds: a reader takes nothing that its input cannot hold, structs at most kMaxDepth deep.
// Errors: ok() is false after input that is not what was written; what was read then is of no use.
// Views are into the reader's input; what a Span points to is the reader's. Not synchronized.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "common/bytes.h"

namespace leadline::agent::record {

inline constexpr int kMaxDepth = 16;

class ArchiveWriter {
 public:
  explicit ArchiveWriter(std::string& out) : out_(out) {}

  template <typename T, typename... Rest>
  void operator()(const char* /*name*/, const T& value, const Rest&... rest) {
    Put(value);
    if constexpr (sizeof...(rest) > 0) (*this)(rest...);
  }

  template <typename T>
  void Put(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      Put(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::unsigned_integral<T>) {  // bool too
      AppendVarint(value, out_);
    } else if constexpr (std::signed_integral<T>) {
      AppendSigned(value, out_);
    } else if constexpr (std::same_as<T, double>) {
      AppendFixed64(std::bit_cast<uint64_t>(value), out_);
    } else if constexpr (std::convertible_to<const T&, std::string_view>) {
      AppendString(value, out_);
    } else {
      PutStruct(value);
    }
  }
  template <typename T>
  void Put(const std::vector<T>& values) {
    Put(absl::MakeConstSpan(values));
  }
  template <typename T>
  void Put(absl::Span<const T> values) {
    AppendVarint(values.size(), out_);
    for (const T& value : values) Put(value);
  }
  template <typename T, size_t N>
  void Put(const std::array<T, N>& values) {
    Put(absl::MakeConstSpan(values));
  }
  template <typename T>
  void Put(const std::optional<T>& value) {
    Put(value.has_value());
    if (value) Put(*value);
  }
  template <typename T>
  void Put(const std::shared_ptr<const T>& value) {  // is not null
    Put(*value);
  }
  template <typename... T>
  void Put(const std::variant<T...>& value) {
    AppendVarint(value.index(), out_);
    std::visit([this](const auto& alternative) { this->Put(alternative); }, value);
  }
  void Put(const absl::Status& status) {
    Put(static_cast<int>(status.code()));
    Put(std::string_view(status.message().data(), status.message().size()));
  }
  template <typename T>
  void Put(const absl::StatusOr<T>& value) {
    Put(value.status());
    if (value.ok()) Put(*value);
  }

 private:
  template <typename T>
  void PutStruct(const T& value) {
    const size_t begin = out_.size();
    AppendFixed32(0, out_);
    Fields(*this, const_cast<T&>(value));
    std::string length;
    AppendFixed32(static_cast<uint32_t>(out_.size() - begin - sizeof(uint32_t)), length);
    out_.replace(begin, length.size(), length);
  }

  std::string& out_;
};

class ArchiveReader {
 public:
  explicit ArchiveReader(std::string_view bytes) : rest_(bytes) {}

  template <typename T, typename... Rest>
  void operator()(const char* /*name*/, T& value, Rest&&... rest) {
    if (rest_.AtEnd()) return;  // written before the field was there
    Get(value);
    if constexpr (sizeof...(rest) > 0) (*this)(std::forward<Rest>(rest)...);
  }

  template <typename T>
  void Get(T& value) {
    if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> number{};
      Get(number);
      value = static_cast<T>(number);
    } else if constexpr (std::unsigned_integral<T>) {
      GetNumber(rest_.Varint(), value);
    } else if constexpr (std::signed_integral<T>) {
      GetNumber(rest_.Signed(), value);
    } else if constexpr (std::same_as<T, double>) {
      value = std::bit_cast<double>(rest_.Fixed64());
    } else if constexpr (std::same_as<T, std::string> || std::same_as<T, std::string_view>) {
      value = rest_.String();
    } else {
      GetStruct(value);
    }
  }
  template <typename T>
  void Get(std::vector<T>& values) {
    const size_t count = rest_.Count();
    values.clear();
    for (size_t i = 0; i < count && ok(); ++i) Get(values.emplace_back());
  }
  template <typename T>
  void Get(absl::Span<const T>& values) {
    static_assert(std::is_trivially_destructible_v<T>);
    const size_t count = rest_.Count();
    T* const all = static_cast<T*>(memory_.allocate(count * sizeof(T), alignof(T)));
    for (size_t i = 0; i < count; ++i) Get(*std::construct_at(all + i));
    values = absl::MakeConstSpan(all, count);
  }
  // What is more than the array has room for is read and left out.
  template <typename T, size_t N>
  void Get(std::array<T, N>& values) {
    const size_t count = rest_.Count();
    for (size_t i = 0; i < count && ok(); ++i) {
      T left_out{};
      Get(i < N ? values[i] : left_out);
    }
  }
  template <typename T>
  void Get(std::optional<T>& value) {
    bool has_value = false;
    Get(has_value);
    if (has_value && ok()) Get(value.emplace());
  }
  template <typename T>
  void Get(std::shared_ptr<const T>& value) {
    auto made = std::make_shared<T>();
    Get(*made);
    value = std::move(made);
  }
  template <typename... T>
  void Get(std::variant<T...>& value) {
    const uint64_t index = rest_.Varint();
    if (index >= sizeof...(T)) return rest_.Fail();
    uint64_t at = 0;
    ((at++ == index ? Get(value.template emplace<T>()) : void()), ...);
  }
  void Get(absl::Status& status) {
    int code = 0;
    std::string message;
    Get(code);
    Get(message);
    status = absl::Status(static_cast<absl::StatusCode>(code), message);
  }
  template <typename T>
  void Get(absl::StatusOr<T>& value) {
    absl::Status status;
    Get(status);
    if (!status.ok()) {
      value = status;
      return;
    }
    T got{};
    Get(got);
    value = std::move(got);
  }

  bool ok() const { return ok_ && rest_.ok(); }

 private:
  template <typename Number, typename T>
  void GetNumber(Number number, T& value) {
    value = static_cast<T>(number);
    if (static_cast<Number>(value) != number) rest_.Fail();
  }
  template <typename T>
  void GetStruct(T& value) {
    const std::string_view bytes = rest_.Bytes(rest_.Fixed32());
    if (!rest_.ok() || ++depth_ > kMaxDepth) return rest_.Fail();
    ByteReader after = std::exchange(rest_, ByteReader(bytes));
    Fields(*this, value);
    ok_ = ok_ && rest_.ok();
    rest_ = after;
    --depth_;
  }

  ByteReader rest_;
  bool ok_ = true;
  int depth_ = 0;
  std::pmr::monotonic_buffer_resource memory_;
};

}  // namespace leadline::agent::record
