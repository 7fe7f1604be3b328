// MySQL's and MariaDB's protocol: commands and their answers, text and prepared.
// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html,
// https://mariadb.com/kb/en/clientserver-protocol/
//
// Which of two forms a result has is told by its packets rather than by the capabilities that were
// agreed on, so that connections joined late are read as well.
#include <algorithm>
#include <memory>
#include <string_view>

#include "agent/protocols/base/fifo_parser.h"
#include "agent/protocols/base/shard.h"
#include "agent/protocols/base/statement_table.h"
#include "agent/protocols/mysql/command.h"
#include "agent/protocols/mysql/detect.h"
#include "agent/protocols/mysql/handshake.h"
#include "agent/protocols/mysql/packet.h"
#include "agent/protocols/normalise/sql.h"

namespace leadline::agent::protocols::mysql {
namespace {

using base::Exchange;
using base::Flow;
using base::Input;
using base::Loss;
using base::TextRef;

// Of a packet that is looked into.
constexpr size_t kMaxText = 4096;
constexpr size_t kMaxGreeting = 128;
constexpr size_t kMaxHead = 32;

constexpr char kOk = '\x00';
constexpr char kLocalInfile = '\xfb';
constexpr char kEof = '\xfe';
constexpr char kError = '\xff';
constexpr uint32_t kEofSize = 5;
constexpr uint32_t kLastPrepared = 0xffffffff;  // MariaDB's number for it

class MysqlParser : public base::FifoParser {
 public:
  size_t memory_bytes() const override {
    return FifoParser::memory_bytes() + statements_.memory_bytes();
  }

 protected:
  void BeginConnection() override {
    awaits_greeting_ = awaits_hello_ = in_auth_ = setup().from_start;
    capabilities_ = 0;
    no_backslash_ = false;
    statements_.Clear();
    last_prepared_.Reset();
  }

  Step ReadRequest(const Input& input, size_t& at, Exchange& exchange) override {
    if (requests_.active) return requests_.Pass(input, at);
    Packet packet;
    if (!ReadPacket(input.bytes, at, packet)) return {};
    const size_t body_at = at + kPacketHeader;
    const size_t wanted = std::min<size_t>(packet.size, WantedOf(input, body_at));
    const std::string_view body = input.bytes.substr(body_at, wanted);
    if (body.size() < wanted && input.missing == 0) return {};

    Found found = Found::kIgnored;
    if (awaits_hello_) {
      Loss loss;
      if (!ReadHello(body, packet, loss)) return {.found = Found::kOff, .off_loss = loss};
    } else if (packet.number == 0 && !requests_continue_) {
      if (body.empty()) return {.found = Found::kInvalid};
      const CommandRow row = FindCommand(static_cast<uint8_t>(body.front()));
      if (row.answer == Answer::kUnknown) return {.found = Found::kInvalid};
      if (row.answer == Answer::kStream) return {.found = Found::kOff, .off_loss = Loss::kOneWay};
      if (row.answer != Answer::kNone) found = Found::kBegun;
      ReadCommand(row, body, packet.size, exchange);
    }
    at = body_at;
    requests_continue_ = packet.size == kMaxPayload;
    requests_ = {.active = true,
                 .rest = packet.size,
                 .then = found == Found::kBegun ? Found::kEnd : Found::kIgnored};
    return found == Found::kBegun ? Step{.found = found} : requests_.Pass(input, at);
  }

  Step ReadResponse(const Input& input, size_t& at, Exchange* exchange) override {
    if (responses_.active) {
      const Step step = responses_.Pass(input, at);
      if (step.found != Found::kMore) return step;
    }
    while (true) {
      Packet packet;
      if (!ReadPacket(input.bytes, at, packet)) return {};
      const size_t body_at = at + kPacketHeader;
      const size_t wanted =
          std::min<size_t>(packet.size, awaits_greeting_ ? kMaxGreeting : kMaxHead);
      const std::string_view body = input.bytes.substr(body_at, wanted);
      if (body.size() < wanted && input.missing == 0) return {};
      // Of a login nothing but the header: not to be taken for an answer to the first command.
      if (body.size() < wanted && body.empty() && (awaits_greeting_ || in_auth_)) return {};

      Found found = Found::kMore;
      if (responses_continue_) {
        // The rest of a large packet.
      } else if (IsBeforeCommands(body, packet)) {
        found = Found::kIgnored;
      } else if (exchange == nullptr) {
        return {.found = Found::kWait};
      } else if (!exchange->response_begun) {
        expected_ = FirstOf(*exchange);
        return {.found = Found::kBegun};
      } else {
        if (body.empty()) return {.found = Found::kInvalid};
        found = ReadAnswer(body, packet.size, *exchange);
        if (found == Found::kInvalid) return {.found = found};
      }
      at = body_at;
      responses_continue_ = packet.size == kMaxPayload;
      responses_ = {.active = true, .rest = packet.size, .then = found};
      const Step step = responses_.Pass(input, at);
      if (step.found != Found::kMore) return step;
    }
  }

  void Restart(Flow flow) override {
    if (flow == Flow::kRequest) {
      requests_ = {};
      requests_continue_ = false;
    } else {
      responses_ = {};
      responses_continue_ = false;
    }
  }

  void OnGap(Flow flow) override {
    awaits_greeting_ = awaits_hello_ = in_auth_ = false;
    // Numbers of statements are not used twice, so what is known of them stays.
    if (flow == Flow::kRequest) last_prepared_.Reset();
  }

 private:
  enum class Expected : uint8_t {
    kFirst,        // OK, an error, a number of columns
    kColumns,      // `left_` of them
    kRows,         // or their end
    kDefinitions,  // `left_` of a prepared statement
    kText,
    kPrepared,
  };

  // ---- Requests

  size_t WantedOf(const Input& input, size_t body_at) const {
    if (awaits_hello_ || body_at >= input.bytes.size()) return kMaxHead;
    const auto command = static_cast<Command>(input.bytes[body_at]);
    return command == Command::kQuery || command == Command::kPrepare ? kMaxText : kMaxHead;
  }

  // False when the rest is not to be read.
  bool ReadHello(std::string_view body, const Packet& packet, Loss& loss) {
    awaits_hello_ = false;
    ClientHello hello;
    if (!ReadClientHello(body, packet.size, hello)) {
      loss = Loss::kInvalid;
      return false;
    }
    capabilities_ = hello.capabilities;
    loss = hello.wants_ssl ? Loss::kEncrypted : Loss::kCompressed;
    return !hello.wants_ssl && (capabilities_ & (kCompress | kZstd)) == 0;
  }

  void ReadCommand(const CommandRow& row, std::string_view body, uint32_t size,
                   Exchange& exchange) {
    const auto command = static_cast<Command>(body.front());
    exchange.kind = base::RecordKind::kDb;
    exchange.tag = static_cast<uint8_t>(command);
    exchange.operation = row.name;
    exchange.hidden = row.hidden;
    const auto number = static_cast<uint32_t>(ReadLe(body, 1, 4));
    switch (command) {
      case Command::kQuery:
        exchange.text = ReadQuery(body, size);
        break;
      case Command::kPrepare:
        exchange.text = Normalise(body.substr(1), body.size() < size);
        last_prepared_ = exchange.text.Copy();
        break;
      case Command::kExecute:
      case Command::kBulkExecute:
        if (body.size() < 5) break;  // its number is in a hole
        exchange.text = number == kLastPrepared ? last_prepared_.Copy() : statements_.Get(number);
        break;
      case Command::kClose:
        statements_.Drop(number);
        break;
      default:
        return;
    }
    if (!exchange.text && command != Command::kClose) {
      Count(Loss::kTextUnknown);
      exchange.flags |= base::kJoinedLate;
    }
  }

  // Attributes may stand before the text: only when there are none is it known where it begins.
  TextRef ReadQuery(std::string_view body, uint32_t size) {
    std::string_view text = body.substr(1);
    const bool has_attributes = capabilities_ != 0
                                    ? (capabilities_ & kQueryAttributes) != 0
                                    : text.size() >= 2 && text[0] == '\x00' && text[1] == '\x01';
    if (has_attributes) {
      uint64_t count, sets;
      if (!TakeNumber(text, count) || !TakeNumber(text, sets) || count != 0) return {};
    }
    return Normalise(text, body.size() < size);
  }

  TextRef Normalise(std::string_view text, bool cut) {
    const auto dialect =
        no_backslash_ ? normalise::SqlDialect::kMysqlNoBackslash : normalise::SqlDialect::kMysql;
    normalise::SqlBuffer buffer;
    const normalise::SqlText sql = normalise::NormaliseSql(text, cut, dialect, buffer);
    return shard().Intern(
        setup().protocol, base::RecordKind::kDb,
        {.text = sql.text, .operation = sql.operation, .summary = sql.summary, .cut = sql.cut});
  }

  // ---- Responses

  // The greeting and what belongs to authentication; and the end of a statement's definitions,
  // which not every server sends, so that nobody waits for it.
  bool IsBeforeCommands(std::string_view body, const Packet& packet) {
    if (body.empty()) return false;
    if (awaits_greeting_) {
      awaits_greeting_ = false;
      no_backslash_ = (StatusOfGreeting(body) & kNoBackslashEscapes) != 0;
      if (body.front() == kError) in_auth_ = false;
      return true;
    }
    if (in_auth_ && packet.number != 1) {
      if (body.front() == kOk || body.front() == kError) in_auth_ = false;
      return true;
    }
    return !responses_begun() && packet.number >= 3 && body.front() == kEof &&
           packet.size == kEofSize;
  }

  bool responses_begun() {
    return !exchanges().empty() && exchanges().front().response_begun &&
           !exchanges().front().response_done;
  }

  static Expected FirstOf(const Exchange& exchange) {
    switch (FindCommand(static_cast<uint8_t>(exchange.tag)).answer) {
      case Answer::kRows:
        return Expected::kRows;
      case Answer::kText:
        return Expected::kText;
      case Answer::kPrepared:
        return Expected::kPrepared;
      default:
        return Expected::kFirst;
    }
  }

  // kEnd when the answer is over with this packet, else kMore. REQUIRES: the body is not empty
  Found ReadAnswer(std::string_view body, uint32_t size, Exchange& exchange) {
    if (body.front() == kError && expected_ != Expected::kColumns) {
      if (body.size() < 3) {
        exchange.flags |= base::kResponseCut;
      } else {
        exchange.status = base::ShortText::Decimal(static_cast<uint32_t>(ReadLe(body, 1, 2)));
      }
      exchange.failure = base::Failure::kStatus;
      exchange.hidden = false;
      return Found::kEnd;
    }
    switch (expected_) {
      case Expected::kFirst:
        return ReadFirst(body, size, exchange);
      case Expected::kColumns:
        if (--left_ == 0) {
          expected_ = Expected::kRows;
          may_end_columns_ = true;
        }
        return Found::kMore;
      case Expected::kRows: {
        const bool ends_columns = may_end_columns_ && size == kEofSize;
        may_end_columns_ = false;
        if (body.front() != kEof || size == kMaxPayload) return Found::kMore;
        const uint16_t status = StatusOf(body, size);
        // Behind columns it ends them alone, unless rows are fetched later.
        if (ends_columns) {
          return (status & kCursorExists) != 0 ? Found::kEnd : Found::kMore;
        }
        return EndOfResult(status);
      }
      case Expected::kDefinitions:
        if (body.front() == kEof && size == kEofSize) return Found::kMore;
        return --left_ == 0 ? Found::kEnd : Found::kMore;
      case Expected::kText:
        return Found::kEnd;
      case Expected::kPrepared:
        return ReadPrepared(body, exchange);
    }
    return Found::kInvalid;
  }

  Found ReadFirst(std::string_view body, uint32_t size, const Exchange& exchange) {
    switch (body.front()) {
      case kOk:
        return EndOfResult(StatusOf(body, size));
      case kLocalInfile:  // the client sends a file; OK or an error follows
        return Found::kMore;
      case kEof:
        // Another round of authentication, else the end of what has no result.
        return exchange.tag == static_cast<uint8_t>(Command::kChangeUser) ? Found::kMore
                                                                          : Found::kEnd;
      default:
        break;
    }
    if (exchange.tag == static_cast<uint8_t>(Command::kChangeUser)) return Found::kMore;
    bool has_metadata = true;
    if ((capabilities_ & kMetadataOptional) != 0) {
      has_metadata = body.front() != 0;
      body.remove_prefix(1);
    }
    if (!TakeNumber(body, left_) || left_ == 0 || left_ > 4096) return Found::kInvalid;
    if ((capabilities_ & kMariadbCacheMetadata) != 0 && !body.empty()) {
      has_metadata = body.front() != 0;
    }
    expected_ = has_metadata ? Expected::kColumns : Expected::kRows;
    may_end_columns_ = !has_metadata;
    return Found::kMore;
  }

  Found ReadPrepared(std::string_view body, Exchange& exchange) {
    if (body.front() != kOk || body.size() < 9) return Found::kInvalid;
    statements_.Put(ReadLe(body, 1, 4), exchange.text.Copy(), shard().limits().statements);
    left_ = ReadLe(body, 5, 2) + ReadLe(body, 7, 2);
    expected_ = Expected::kDefinitions;
    return left_ == 0 ? Found::kEnd : Found::kMore;
  }

  // Of an OK packet, or of an EOF packet.
  static uint16_t StatusOf(std::string_view body, uint32_t size) {
    if (size == kEofSize) return static_cast<uint16_t>(ReadLe(body, 3, 2));
    uint64_t ignored;
    body.remove_prefix(1);
    if (!TakeNumber(body, ignored) || !TakeNumber(body, ignored)) return 0;
    return static_cast<uint16_t>(ReadLe(body, 0, 2));
  }

  Found EndOfResult(uint16_t status) {
    no_backslash_ = (status & kNoBackslashEscapes) != 0;
    expected_ = Expected::kFirst;
    return (status & kMoreResults) != 0 ? Found::kMore : Found::kEnd;
  }

  base::StatementTable statements_;
  TextRef last_prepared_;
  Rest requests_;
  Rest responses_;
  uint64_t capabilities_ = 0;  // the client's; 0 where unknown
  uint64_t left_ = 0;
  Expected expected_ = Expected::kFirst;
  bool may_end_columns_ = false;
  bool requests_continue_ = false;  // the last packet goes on in the next
  bool responses_continue_ = false;
  bool awaits_greeting_ = false;
  bool awaits_hello_ = false;
  bool in_auth_ = false;
  bool no_backslash_ = false;
};

}  // namespace

unsigned int Detect(const ll_detect_head& head) { return ll_detect_mysql(&head); }

std::unique_ptr<base::Parser> NewParser() { return std::make_unique<MysqlParser>(); }

}  // namespace leadline::agent::protocols::mysql
