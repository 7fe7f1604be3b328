// Writes JSON piece by piece into a string, numbers as Prometheus' API has them.
//
// Commas come by themselves. Text is made valid UTF-8. Not synchronized.
//
//   JsonWriter json(body);
//   json.BeginObject(); json.Key("a"); json.String("b"); json.EndObject();
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

#include "collector/api/number_text.h"

namespace leadline::collector::api {

class JsonWriter {
 public:
  // Appends to `out`, which must outlive the writer.
  explicit JsonWriter(std::string& out) : out_(out) {}

  void BeginObject() { Open('{'); }
  void EndObject() { Close('}'); }
  void BeginArray() { Open('['); }
  void EndArray() { Close(']'); }
  void Key(std::string_view key);
  void String(std::string_view text);
  void Integer(int64_t value);
  void Bool(bool value);
  // JSON that is there already.
  void Raw(std::string_view json);
  // A key and its text.
  void Member(std::string_view key, std::string_view text) {
    Key(key);
    String(text);
  }
  // Milliseconds as a number of seconds: 1435781451.781.
  void Time(int64_t ts_ms);
  // A sample: [1435781451.781,"0.5"].
  void Point(int64_t ts_ms, double value);
  // An array of samples. Of many series with the same times these are made but once.
  // REQUIRES: as many values as times.
  void Points(absl::Span<const int64_t> ts_ms, absl::Span<const double> values);
  // Room for so much more.
  void Reserve(size_t bytes) { out_.reserve(out_.size() + bytes); }
  // A sample's value, in quotes.
  void SampleValue(double value);
  // A scalar's, in quotes: without an exponent, however many digits that takes.
  void ScalarValue(double value);

 private:
  void Open(char bracket);
  void Close(char bracket);
  void Separate();
  void Append(const char* begin, const char* end) {
    out_.append(begin, static_cast<size_t>(end - begin));
  }
  // With what goes before it, and `behind`.
  void Quote(std::string_view text, std::string_view behind);

  // A time as it is written.
  struct TimeText {
    int64_t ts_ms = 0;
    uint8_t bytes = 0;
    char text[kTimeBytes] = {};
  };
  // Looks for it in times_. `next`: where the one behind it will be.
  char* PutTimeOnce(int64_t ts_ms, size_t& next, char* at);

  std::string& out_;
  bool need_comma_ = false;
  std::vector<TimeText> times_;  // ascending
};

}  // namespace leadline::collector::api
