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
  void Quote(std::string_view text);

  std::string& out_;
  bool need_comma_ = false;
};

// The shortest text that gives the same number back, as Go's strconv writes it in Prometheus' API:
// "0.1", "+Inf", "NaN", "1e-07", and no exponent from 1e-6 up to 1e21.
void AppendFloat(double value, std::string& out);
// The same, never with an exponent.
void AppendFixed(double value, std::string& out);

}  // namespace leadline::collector::api
