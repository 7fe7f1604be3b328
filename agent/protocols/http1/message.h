// Reads HTTP/1.x messages one after another: the start line, what frames the message, and its end
// (RFC 9112).
//
// Nothing is kept of a message but numbers, so that a head may come in any number of pieces; a line
// longer than kMaxLine counts as what it begins with. Time is linear in what is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace leadline::agent::protocols::http1 {

class Message {
 public:
  static constexpr size_t kMaxLine = 8192;

  enum class Event : uint8_t {
    kMore,       // a line is not whole
    kStartLine,  // `line`
    kHead,       // all header fields are read: SetBody() comes next
    kSkip,       // `skip_bytes` of the body come next
    kEnd,
    kInvalid,
  };
  enum class Body : uint8_t { kNone, kLength, kChunked, kUntilClose };

  // What header fields said.
  struct Head {
    uint64_t length = 0;
    bool has_length = false;
    bool chunked = false;
    bool upgrade_h2c = false;
  };

  // A message begins.
  void Restart();
  // Reads on from bytes[at]; `at` is then behind what was read.
  Event Next(std::string_view bytes, size_t& at);
  // REQUIRES: Next() said kHead
  void SetBody(Body body);

  const Head& head() const { return head_; }
  // REQUIRES: Next() said kStartLine. A view into its bytes, without the line's end.
  std::string_view line() const { return line_; }
  // REQUIRES: Next() said kSkip
  uint64_t skip_bytes() const { return skip_bytes_; }
  bool AtStart() const { return state_ == State::kStartLine; }
  // What is being read ends where the connection does.
  bool UntilClose() const { return state_ == State::kUntilClose; }

 private:
  enum class State : uint8_t {
    kStartLine,
    kLongStartLine,  // the rest of it
    kHeaders,
    kLongHeader,
    kHeadDone,
    kBodyEnd,  // what Skip() passed over was the rest of the body
    kUntilClose,
    kChunkSize,
    kLongChunkSize,
    kChunkEnd,  // what Skip() passed over was a chunk
    kTrailers,
    kLongTrailer,
  };

  // A whole line, or the beginning of a long one; false when there is not enough.
  bool TakeLine(std::string_view bytes, size_t& at, State next, State rest);
  bool PassLine(std::string_view bytes, size_t& at, State next);
  Event Skip(std::string_view bytes, size_t& at, uint64_t size, State next);
  Event ReadHead(std::string_view bytes, size_t& at);
  bool ReadField(std::string_view line);
  bool ReadChunkSize();

  State state_ = State::kStartLine;
  Head head_;
  std::string_view line_;
  uint64_t skip_bytes_ = 0;
};

}  // namespace leadline::agent::protocols::http1
