// PostgreSQL's protocol, version 3: simple queries and extended ones, pipelined or not.
// Source: https://www.postgresql.org/docs/current/protocol.html
//
// A simple query is an exchange up to ReadyForQuery. Of extended queries each Execute is one, from
// the first message since the last one (Parse or Bind) to CommandComplete. Sync is a hidden
// exchange which marks where an error's consequences end; it is told when an error comes without an
// Execute.
#include <algorithm>
#include <memory>
#include <string_view>

#include "absl/container/flat_hash_map.h"

#include "agent/protocols/base/fifo_parser.h"
#include "agent/protocols/base/shard.h"
#include "agent/protocols/base/statement_table.h"
#include "agent/protocols/normalise/sql.h"
#include "agent/protocols/postgres/detect.h"
#include "xxhash.h"

namespace leadline::agent::protocols::postgres {
namespace {

using base::Exchange;
using base::Flow;
using base::Input;
using base::Loss;
using base::TextRef;

// Of a message that is looked into: a query's text, two names, an error's first fields.
constexpr size_t kMaxText = 4096;
constexpr size_t kMaxNames = 512;
constexpr size_t kMaxError = 256;
constexpr uint32_t kMaxMessage = 1u << 30;
constexpr size_t kMaxPortals = 16;

enum Tag : uint32_t { kQuery, kExecute, kSync };

uint32_t ReadBe32(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

uint64_t KeyOf(std::string_view name) { return XXH3_64bits(name.data(), name.size()); }

// Up to the zero byte, which is taken too; false when there is none.
bool TakeName(std::string_view& bytes, std::string_view& name) {
  const size_t end = bytes.find('\0');
  if (end == std::string_view::npos) return false;
  name = bytes.substr(0, end);
  bytes.remove_prefix(end + 1);
  return true;
}

class PostgresParser : public base::FifoParser {
 public:
  size_t memory_bytes() const override {
    return FifoParser::memory_bytes() + statements_.memory_bytes();
  }

 protected:
  void BeginConnection() override {
    starting_ = setup().from_start;
    awaits_ready_ = starting_;
    awaits_encryption_ = false;
    after_error_ = false;
    Forget();
  }

  Step ReadRequest(const Input& input, size_t& at, Exchange& exchange) override {
    if (requests_.active) return requests_.Pass(input, at);
    if (starting_) return ReadStartup(input, at);
    Message message;
    if (!ReadHeader(input, at, message)) return {};
    if (message.size > kMaxMessage || !IsRequest(message.type)) return {.found = Found::kInvalid};
    const size_t wanted = std::min<uint64_t>(message.size, WantedOf(message.type));
    const std::string_view body = input.bytes.substr(at + kHeader, wanted);
    if (body.size() < wanted && input.missing == 0) return {};
    at += kHeader;
    requests_ = {.active = true, .rest = message.size, .then = Found::kIgnored};
    if (batch_first_ns_ == 0) batch_first_ns_ = input.TimeOf(at - kHeader);
    batch_bytes_ += kHeader + message.size;
    return ReadMessage(message, body, exchange) ? Step{.found = Found::kBegun}
                                                : requests_.Pass(input, at);
  }

  Step ReadResponse(const Input& input, size_t& at, Exchange* exchange) override {
    if (responses_.active) {
      const Step step = responses_.Pass(input, at);
      if (step.found != Found::kMore) return step;
    }
    if (awaits_encryption_) return ReadEncryption(input, at);
    while (true) {
      Message message;
      if (!ReadHeader(input, at, message)) return {};
      if (message.size > kMaxMessage) return {.found = Found::kInvalid};
      if (message.type == 'W') return {.found = Found::kOff, .off_loss = Loss::kOneWay};
      const size_t wanted = message.type == 'E' ? std::min<size_t>(message.size, kMaxError) : 0;
      const std::string_view body = input.bytes.substr(at + kHeader, wanted);
      if (body.size() < wanted && input.missing == 0) return {};

      Found found = Classify(message.type, exchange);
      if (found == Found::kInvalid || found == Found::kWait) return {.found = found};
      if (found != Found::kIgnored && !exchange->response_begun) return {.found = Found::kBegun};
      if (message.type == 'E' && found != Found::kIgnored) {
        SetError(body, body.size() < wanted, *exchange);
      }
      at += kHeader;
      if (found == Found::kIgnored && exchange != nullptr && exchange->response_begun) {
        found = Found::kMore;  // within a response
      }
      responses_ = {.active = true, .rest = message.size, .then = found};
      const Step step = responses_.Pass(input, at);
      if (step.found != Found::kMore) return step;
    }
  }

  void Restart(Flow flow) override {
    if (flow == Flow::kRequest) {
      requests_ = {};
      batch_first_ns_ = 0;
      batch_bytes_ = 0;
    } else {
      responses_ = {};
      after_error_ = false;
    }
  }

  // A statement or portal may have become another one in a hole.
  void OnGap(Flow flow) override {
    starting_ = false;
    awaits_encryption_ = false;
    if (flow == Flow::kRequest) Forget();
    if (flow == Flow::kResponse) awaits_ready_ = false;
  }

 private:
  static constexpr size_t kHeader = 5;

  struct Message {
    char type = 0;
    uint32_t size = 0;  // behind the header
  };

  static bool ReadHeader(const Input& input, size_t at, Message& message) {
    if (input.bytes.size() - at < kHeader) return false;
    message.type = input.bytes[at];
    const uint32_t length = ReadBe32(input.bytes, at + 1);
    message.size = length < 4 ? UINT32_MAX : length - 4;
    return true;
  }

  static bool IsRequest(char type) {
    return std::string_view("QPBEDSCHFXpdcf").find(type) != std::string_view::npos;
  }

  static size_t WantedOf(char type) {
    switch (type) {
      case 'Q':
      case 'P':
        return kMaxText;
      case 'B':
      case 'E':
      case 'C':
        return kMaxNames;
      default:
        return 0;
    }
  }

  // Length and code without a type; then messages, or another one like it.
  Step ReadStartup(const Input& input, size_t& at) {
    if (input.bytes.size() - at < 8) return {};
    const uint32_t length = ReadBe32(input.bytes, at);
    const uint32_t code = ReadBe32(input.bytes, at + 4);
    if (length < 8 || length > 10000) return {.found = Found::kInvalid};
    if (code == LL_POSTGRES_SSL || code == LL_POSTGRES_GSS) {
      awaits_encryption_ = true;
    } else {
      starting_ = false;
    }
    at += 8;
    requests_ = {.active = true, .rest = length - 8, .then = Found::kIgnored};
    return requests_.Pass(input, at);
  }

  Step ReadEncryption(const Input& input, size_t& at) {
    if (at == input.bytes.size()) return {};
    const char answer = input.bytes[at++];
    if (answer == 'S' || answer == 'G') return {.found = Found::kOff, .off_loss = Loss::kEncrypted};
    awaits_encryption_ = false;
    if (answer == 'N') return {.found = Found::kIgnored};
    return {.found = Found::kInvalid};
  }

  // True for what is an exchange.
  bool ReadMessage(const Message& message, std::string_view body, Exchange& exchange) {
    std::string_view first, second;
    switch (message.type) {
      case 'Q':
        exchange.text = Normalise(body, body.size() < message.size);
        BeginExchange(kQuery, message.size, exchange);
        return true;
      case 'F':  // a function by its number
        exchange.operation = "CALL";
        BeginExchange(kQuery, message.size, exchange);
        return true;
      case 'P':
        if (!TakeName(body, first)) {
          Forget();  // it may have been any statement's
          return false;
        }
        parsed_ = Normalise(body, body.size() + first.size() + 1 < message.size);
        statements_.Put(KeyOf(first), parsed_.Copy(), shard().limits().statements);
        return false;
      case 'B':
        if (!TakeName(body, first) || !TakeName(body, second)) {
          portals_.clear();
          return false;
        }
        if (portals_.size() >= kMaxPortals) portals_.clear();
        portals_[KeyOf(first)] = statements_.Get(KeyOf(second));
        return false;
      case 'E': {
        if (TakeName(body, first)) {
          const auto portal = portals_.find(KeyOf(first));
          if (portal != portals_.end()) exchange.text = portal->second.Copy();
        }
        if (!exchange.text) {
          Count(Loss::kTextUnknown);
          exchange.flags |= base::kJoinedLate;
        }
        exchange.request_first_ns = batch_first_ns_;
        BeginExchange(kExecute, message.size, exchange);
        return true;
      }
      case 'S':
        exchange.text = std::move(parsed_);
        exchange.request_first_ns = batch_first_ns_;
        exchange.hidden = true;
        BeginExchange(kSync, message.size, exchange);
        return true;
      case 'C':
        if (body.empty() || body.front() != 'S') return false;
        body.remove_prefix(1);
        if (TakeName(body, first)) statements_.Drop(KeyOf(first));
        return false;
      default:
        return false;
    }
  }

  void BeginExchange(Tag tag, uint32_t size, Exchange& exchange) {
    exchange.kind = base::RecordKind::kDb;
    exchange.tag = tag;
    requests_.then = Found::kEnd;
    // This message itself is added when it is over.
    exchange.request_bytes = batch_bytes_ - kHeader - size;
    batch_first_ns_ = 0;
    batch_bytes_ = 0;
    if (tag != kSync) parsed_.Reset();
  }

  TextRef Normalise(std::string_view text, bool cut) {
    const size_t end = text.find('\0');
    if (end != std::string_view::npos) {
      text = text.substr(0, end);
      cut = false;
    }
    normalise::SqlBuffer buffer;
    const normalise::SqlText sql =
        normalise::NormaliseSql(text, cut, normalise::SqlDialect::kPostgres, buffer);
    return shard().Intern(
        setup().protocol, base::RecordKind::kDb,
        {.text = sql.text, .operation = sql.operation, .summary = sql.summary, .cut = sql.cut});
  }

  // What a message is to the exchange at the front: kMore for a part of its response, kEnd for its
  // end.
  Found Classify(char type, Exchange*& exchange) {
    switch (type) {
      case 'A':  // notification, notice, parameter, key, authentication, version
      case 'N':
      case 'S':
      case 'K':
      case 'R':
      case 'v':
        return Found::kIgnored;
      case 'Z':
        return ClassifyReady(exchange);
      case 'E':
        if (awaits_ready_) return Found::kIgnored;
        if (exchange == nullptr) return Found::kWait;
        if (exchange->tag == kExecute) after_error_ = true;
        return exchange->tag == kExecute ? Found::kEnd : Found::kMore;
      case 'C':  // command complete, portal suspended, empty query
      case 's':
      case 'I':
        if (exchange == nullptr) return Found::kWait;
        return exchange->tag == kExecute ? Found::kEnd : Found::kMore;
      case '1':  // parse, bind, close complete; descriptions, rows, copying, function result
      case '2':
      case '3':
      case 't':
      case 'T':
      case 'n':
      case 'D':
      case 'G':
      case 'H':
      case 'd':
      case 'c':
      case 'V':
        return exchange == nullptr ? Found::kWait : Found::kMore;
      default:
        return Found::kInvalid;
    }
  }

  // The end of a query, or of all up to a Sync: what an error made the server pass over is dropped.
  Found ClassifyReady(Exchange*& exchange) {
    if (awaits_ready_) {
      awaits_ready_ = false;
      return Found::kIgnored;
    }
    while (exchange != nullptr && exchange->tag == kExecute && !exchange->response_begun) {
      DropFront();
      if (!after_error_) Count(Loss::kResponseLost);
      exchange = exchanges().empty() ? nullptr : &exchanges().front();
    }
    if (exchange == nullptr) return Found::kWait;
    after_error_ = false;
    return Found::kEnd;
  }

  // Fields are a letter and a text; "C" is the SQLSTATE.
  static void SetError(std::string_view body, bool cut, Exchange& exchange) {
    while (!body.empty() && body.front() != '\0') {
      const char field = body.front();
      body.remove_prefix(1);
      std::string_view value;
      if (!TakeName(body, value)) break;
      if (field != 'C') continue;
      if (value.size() == 5 && std::all_of(value.begin(), value.end(), [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
          })) {
        exchange.status = value;
      }
      break;
    }
    if (exchange.status.empty() && cut) {
      exchange.flags |= base::kResponseCut;
    } else if (exchange.status.empty()) {
      exchange.status = std::string_view("_OTHER");
    }
    exchange.failure = base::Failure::kStatus;
    exchange.hidden = false;
  }

  void Forget() {
    statements_.Clear();
    portals_.clear();
    parsed_.Reset();
  }

  base::StatementTable statements_;
  absl::flat_hash_map<uint64_t, TextRef> portals_;
  TextRef parsed_;  // since the last Sync, when nothing was executed since
  Rest requests_;
  Rest responses_;
  uint64_t batch_first_ns_ = 0;  // the first message that belongs to the next exchange
  uint64_t batch_bytes_ = 0;     // of all of them
  bool starting_ = false;
  bool awaits_ready_ = false;  // the first ReadyForQuery, which answers the start
  bool awaits_encryption_ = false;
  bool after_error_ = false;  // until the Sync
};

}  // namespace

unsigned int Detect(const ll_detect_head& head) { return ll_detect_postgres(&head); }

std::unique_ptr<base::Parser> NewParser() { return std::make_unique<PostgresParser>(); }

}  // namespace leadline::agent::protocols::postgres
