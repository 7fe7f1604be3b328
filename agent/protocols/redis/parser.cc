// Redis: RESP2 and RESP3, commands in order, pipelined or not.
// Source: https://redis.io/docs/latest/develop/reference/protocol-spec/
#include <memory>
#include <string_view>

#include "agent/protocols/base/fifo_parser.h"
#include "agent/protocols/base/shard.h"
#include "agent/protocols/normalise/ascii.h"
#include "agent/protocols/normalise/newline.h"
#include "agent/protocols/redis/command.h"
#include "agent/protocols/redis/detect.h"

namespace leadline::agent::protocols::redis {
namespace {

using base::Exchange;
using base::Flow;
using base::Input;
using base::Loss;

// A line that has not ended by then is a long text: no header of a value.
constexpr size_t kMaxHeader = 4096;
constexpr int64_t kMaxBulkBytes = int64_t{1} << 32;
constexpr int64_t kMaxElements = int64_t{1} << 30;

enum class Line : uint8_t { kWhole, kMore, kLong };

// The line at `at`, without its end, and `at` behind it.
Line TakeLine(std::string_view bytes, size_t& at, std::string_view& line) {
  const size_t left = bytes.size() - at;
  const char* found = normalise::FindNewline(bytes.data() + at, bytes.data() + bytes.size());
  if (found == nullptr) {
    line = bytes.substr(at);
    return left < kMaxHeader ? Line::kMore : Line::kLong;
  }
  const size_t end = static_cast<size_t>(found - bytes.data());
  line = bytes.substr(at, end - at);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  at = end + 1;
  return Line::kWhole;
}

// False for what is no number of at most 12 digits.
bool ReadNumber(std::string_view text, int64_t& number) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > 12) return false;
  number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + (c - '0');
  }
  if (negative) number = -number;
  return true;
}

class RedisParser : public base::FifoParser {
 protected:
  Step ReadRequest(const Input& input, size_t& at, Exchange& exchange) override {
    if (passing_line_) return PassLine(input.bytes, at);
    if (arguments_left_ == 0 && arguments_ == 0) {
      if (at == input.bytes.size()) return {};
      if (input.bytes[at] != '*') return ReadInline(input.bytes, at, exchange);
      std::string_view line;
      const Line taken = TakeLine(input.bytes, at, line);
      if (taken != Line::kWhole)
        return {.found = taken == Line::kMore ? Found::kMore : Found::kInvalid};
      int64_t count;
      if (!ReadNumber(line.substr(1), count) || count > kMaxElements) {
        return {.found = Found::kInvalid};
      }
      if (count <= 0) return {.found = Found::kIgnored};
      arguments_ = arguments_left_ = count;
    }
    while (arguments_left_ > 0) {
      const Step step = ReadArgument(input, at, exchange);
      if (step.found != Found::kEnd) return step;
    }
    arguments_ = 0;
    return {.found = Found::kEnd};
  }

  Step ReadResponse(const Input& input, size_t& at, Exchange* exchange) override {
    if (!in_reply_) {
      if (at == input.bytes.size()) return {};
      is_push_ = input.bytes[at] == '>' &&
                 (exchange == nullptr || exchange->tag != static_cast<uint32_t>(Effect::kStream));
      if (exchange == nullptr && !is_push_) return {.found = Found::kWait};
      in_reply_ = true;
      values_left_ = 1;
      begun_ = false;
    }
    while (true) {
      if (line_passes_) {
        const size_t end = input.bytes.find('\n', at);
        at = end == std::string_view::npos ? input.bytes.size() : end + 1;
        if (end == std::string_view::npos) return {};
        line_passes_ = false;
      }
      if (values_left_ == 0) break;
      const Step step = ReadValue(input, at, exchange);
      if (step.found != Found::kEnd) return step;
    }
    in_reply_ = false;
    if (is_push_) return {.found = Found::kIgnored};
    if (exchange != nullptr && exchange->tag == static_cast<uint32_t>(Effect::kStream)) {
      return {.found = Found::kLeave, .off_loss = Loss::kOneWay};
    }
    return {.found = Found::kEnd};
  }

  void Restart(Flow flow) override {
    if (flow == Flow::kRequest) {
      arguments_ = arguments_left_ = 0;
      passing_line_ = false;
    } else {
      in_reply_ = false;
      line_passes_ = false;
    }
  }

 private:
  // A command as people type it: "PING\r\n".
  Step ReadInline(std::string_view bytes, size_t& at, Exchange& exchange) {
    std::string_view line;
    const size_t begin = at;
    const Line taken = TakeLine(bytes, at, line);
    if (taken == Line::kMore) return {};
    if (line.empty()) return {.found = Found::kIgnored};
    const std::string_view name = line.substr(0, line.find(' '));
    const Command command = FindCommand(name);
    if (!command.known) return {.found = Found::kInvalid};
    if (taken == Line::kWhole) at = begin + static_cast<size_t>(name.size());
    passing_line_ = true;
    return BeginRequest(command, exchange);
  }

  Step PassLine(std::string_view bytes, size_t& at) {
    const size_t end = bytes.find('\n', at);
    at = end == std::string_view::npos ? bytes.size() : end + 1;
    if (end == std::string_view::npos) return {};
    passing_line_ = false;
    return {.found = Found::kEnd};
  }

  Step BeginRequest(const Command& command, Exchange& exchange) {
    exchange.kind = base::RecordKind::kDb;
    exchange.operation = command.name;
    exchange.tag = static_cast<uint32_t>(command.effect);
    return {.found = Found::kBegun};
  }

  // kEnd when one more was read.
  Step ReadArgument(const Input& input, size_t& at, Exchange& exchange) {
    const std::string_view bytes = input.bytes;
    const size_t begin = at;
    std::string_view line;
    const Line taken = TakeLine(bytes, at, line);
    if (taken == Line::kMore) return {};
    int64_t size;
    if (taken == Line::kLong || line.empty() || line.front() != '$' ||
        !ReadNumber(line.substr(1), size) || size < 0 || size > kMaxBulkBytes) {
      return {.found = Found::kInvalid};
    }
    const bool is_name = arguments_left_ == arguments_;
    const bool is_subcommand =
        arguments_left_ == arguments_ - 1 && exchange.tag == static_cast<uint32_t>(Effect::kClient);
    const size_t left = bytes.size() - at;
    const auto needed = static_cast<uint64_t>(size) + 2;
    if (is_name || is_subcommand) {
      if (size > 64) return {.found = Found::kInvalid};
      if (left < needed) {
        at = begin;
        return {};
      }
      const std::string_view word = bytes.substr(at, static_cast<size_t>(size));
      at += needed;
      --arguments_left_;
      if (is_name) {
        const Command command = FindCommand(word);
        const Step begun = BeginRequest(command, exchange);
        // CLIENT may get no reply: what follows it tells.
        return command.effect == Effect::kClient && arguments_left_ > 0 ? Step{.found = Found::kEnd}
                                                                        : begun;
      }
      if (normalise::EqualsIgnoreCase(word, "REPLY")) {
        return {.found = Found::kOff, .off_loss = Loss::kOneWay};
      }
      return {.found = Found::kBegun};
    }
    --arguments_left_;
    return PassBytes(input, at, needed);
  }

  // kEnd when one more was read, or the head of an aggregate.
  Step ReadValue(const Input& input, size_t& at, Exchange* exchange) {
    const std::string_view bytes = input.bytes;
    const size_t begin = at;
    std::string_view line;
    const Line taken = TakeLine(bytes, at, line);
    if (taken == Line::kMore || line.empty()) {
      return {.found = taken == Line::kMore ? Found::kMore : Found::kInvalid};
    }
    const char type = line.front();
    if (taken == Line::kLong && type != '+' && type != '-') return {.found = Found::kInvalid};
    if (!begun_ && type != '|' && !is_push_) {
      // What it says of the exchange; then once more, to read it.
      begun_ = true;
      if (type == '!') {
        // The code is in the text behind the length.
        if (bytes.size() - at < 24 && bytes.find('\n', at) == std::string_view::npos) {
          begun_ = false;
          at = begin;
          return {};
        }
        SetError(bytes.substr(at), exchange);
      } else if (type == '-') {
        SetError(line.substr(1), exchange);
      }
      at = begin;
      return {.found = Found::kBegun};
    }
    switch (type) {
      case '+':
      case '-':
        --values_left_;
        line_passes_ = taken == Line::kLong;
        if (line_passes_) at = bytes.size();
        return {.found = Found::kEnd};
      case ':':
      case ',':
      case '#':
      case '_':
      case '(':
        --values_left_;
        return {.found = Found::kEnd};
      case '$':
      case '=':
      case '!': {
        int64_t size;
        if (!ReadNumber(line.substr(1), size) || size > kMaxBulkBytes) break;
        --values_left_;
        if (size < 0) return {.found = Found::kEnd};
        return PassBytes(input, at, static_cast<uint64_t>(size) + 2);
      }
      case '*':
      case '~':
      case '>':
      case '%':
      case '|': {
        int64_t count;
        if (!ReadNumber(line.substr(1), count) || count > kMaxElements) break;
        if (type == '%' || type == '|') count *= 2;
        if (type != '|') --values_left_;  // what it is an attribute of is still to come
        if (count > 0) values_left_ += static_cast<uint64_t>(count);
        if (values_left_ > uint64_t{1} << 40) break;
        return {.found = Found::kEnd};
      }
      default:
        break;
    }
    return {.found = Found::kInvalid};
  }

  static void SetError(std::string_view message, Exchange* exchange) {
    if (exchange == nullptr) return;
    exchange->status = ErrorCode(message);
    exchange->failure = base::Failure::kStatus;
  }

  int64_t arguments_ = 0;  // of the command that is read; 0 between commands
  int64_t arguments_left_ = 0;
  bool passing_line_ = false;  // the rest of an inline command
  bool in_reply_ = false;
  uint64_t values_left_ = 0;  // of the reply that is read, with those of its aggregates so far
  bool line_passes_ = false;  // the rest of a long simple string
  bool begun_ = false;
  bool is_push_ = false;
};

}  // namespace

unsigned int Detect(const ll_detect_head& head) { return ll_detect_redis(&head); }

std::unique_ptr<base::Parser> NewParser() { return std::make_unique<RedisParser>(); }

}  // namespace leadline::agent::protocols::redis
