// DNS over UDP and TCP (RFC 1035, 7766): queries and responses, paired by their number and
// question.
#include "agent/protocols/base/parser.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/protocols/base/exchange.h"
#include "agent/protocols/base/shard.h"
#include "agent/protocols/dns/detect.h"
#include "agent/protocols/dns/names.h"
#include "agent/protocols/normalise/dns_name.h"

namespace leadline::agent::protocols::dns {
namespace {

using base::Exchange;
using base::Flow;
using base::Input;
using base::Loss;
using base::Verdict;

constexpr size_t kHeader = 12;
constexpr size_t kMaxName = 255;
// Header and question: nothing else of a message is read.
constexpr size_t kMaxRead = kHeader + kMaxName + 4;
// Exchanges whose memory is kept for the next connection.
constexpr size_t kKeptExchanges = 8;

uint16_t ReadBe16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                               static_cast<unsigned char>(bytes[at + 1]));
}

struct Question {
  uint16_t id = 0;
  uint16_t type = 0;
  uint8_t code = 0;
  bool is_response = false;
  std::string_view labels;
};

// False for what is no message with one question.
bool ReadQuestion(std::string_view message, Question& question) {
  if (message.size() < kHeader || ReadBe16(message, 4) != 1) return false;
  const uint16_t flags = ReadBe16(message, 2);
  if ((flags & 0x7840) != 0) return false;
  question.id = ReadBe16(message, 0);
  question.code = static_cast<uint8_t>(flags & 0xf);
  question.is_response = (flags & 0x8000) != 0;
  size_t at = kHeader;
  while (at < message.size() && message[at] != 0) {
    const auto size = static_cast<unsigned char>(message[at]);
    if (size > 63) return false;  // a question comes first: it has nothing to point back to
    at += size_t{1} + size;
  }
  if (at + 5 > message.size() || at - kHeader > kMaxName) return false;
  question.labels = message.substr(kHeader, at - kHeader);
  question.type = ReadBe16(message, at + 1);
  return true;
}

class DnsParser : public base::Parser {
 public:
  void Begin(const base::ParserSetup& setup) override {
    setup_ = setup;
    lost_[0] = lost_[1] = false;
    failures_ = 0;
  }

  Verdict Parse(Flow flow, const Input& input) override {
    if (input.datagram) {
      ReadMessage(flow, input, 0, input.bytes.size() + input.missing, 0);
      return TooBad() ? Verdict::Off(Loss::kInvalid) : Verdict::More(input.bytes.size());
    }
    return ReadStream(flow, input);
  }

  // What is asked and answered is told by its number, whatever is missing before it; only where
  // messages begin is not known any more: with a turn they do.
  void Gap(Flow flow, uint64_t /*bytes*/, uint64_t /*ts_ns*/) override {
    lost_[static_cast<size_t>(flow)] = setup_.info.transport == base::Transport::kTcp;
    if (flow == Flow::kRequest) return;
    for (Exchange& exchange : open_) exchange.hidden = true;
  }

  void Tick(uint64_t now_ns) override {
    const uint64_t patience_ns = setup_.shard->limits().answer_ns;
    for (size_t i = 0; i < open_.size();) {
      if (now_ns < open_[i].request_first_ns + patience_ns) {
        ++i;
      } else {
        GiveUp(i);
      }
    }
  }

  void Close(const base::Ending& ending) override {
    for (Exchange& exchange : open_) exchange.hidden |= !ending.whole;
    while (!open_.empty()) GiveUp(0);
  }

  void End() override {
    open_.clear();
    if (open_.capacity() > kKeptExchanges) std::vector<Exchange>().swap(open_);
  }

  size_t memory_bytes() const override { return open_.capacity() * sizeof(Exchange); }

 private:
  // Messages with their lengths before them.
  Verdict ReadStream(Flow flow, const Input& input) {
    bool& lost = lost_[static_cast<size_t>(flow)];
    if (lost && !input.begins_turn) {
      Count(Loss::kUnsynchronised, input.bytes.size());
      return Verdict::More(input.bytes.size());
    }
    if (lost) Count(Loss::kResynchronised, 1);
    lost = false;
    size_t at = 0;
    while (input.bytes.size() - at >= 2) {
      const size_t size = ReadBe16(input.bytes, at);
      const size_t left = input.bytes.size() - at - 2;
      if (left < std::min(size, kMaxRead) && input.missing == 0) break;
      ReadMessage(flow, input, at + 2, size, 2);
      if (TooBad()) return Verdict::Off(Loss::kInvalid);
      if (size > left) return Verdict::Skip(input.bytes.size(), size - left);
      at += 2 + size;
    }
    return Verdict::More(at);
  }

  // The message of `size` bytes at `at`, of which what is needed is there or will never be.
  void ReadMessage(Flow flow, const Input& input, size_t at, uint64_t size, size_t framing) {
    const std::string_view message =
        input.bytes.substr(at, static_cast<size_t>(std::min<uint64_t>(size, kMaxRead)));
    Question question;
    if (!ReadQuestion(message, question) || question.is_response != (flow == Flow::kResponse)) {
      Count(Loss::kInvalidMessage, 1);
      ++failures_;
      return;
    }
    failures_ = 0;
    char name[normalise::kMaxDnsName];
    base::TextRef text =
        setup_.shard->Intern(setup_.protocol, base::RecordKind::kDns,
                             {.text = normalise::DnsName(question.labels, absl::MakeSpan(name))});
    const uint64_t first_ns = input.TimeOf(at - framing);
    const auto last = static_cast<size_t>(std::min<uint64_t>(at + size, input.bytes.size()));
    if (flow == Flow::kRequest) {
      Ask(question, std::move(text), first_ns, input.TimeBefore(last), size + framing);
    } else {
      Answer(question, text, first_ns, input.TimeBefore(last), size + framing,
             at + size > input.bytes.size());
    }
  }

  // The same question again is still the same lookup.
  void Ask(const Question& question, base::TextRef text, uint64_t first_ns, uint64_t last_ns,
           uint64_t bytes) {
    if (const size_t i = Find(question, text); i < open_.size()) {
      open_[i].request_bytes += bytes;
      return;
    }
    if (open_.size() >= setup_.shard->limits().streams) {
      Count(Loss::kStreamsFull, 1);
      open_.erase(open_.begin());
    }
    Exchange& exchange = open_.emplace_back();
    exchange.kind = base::RecordKind::kDns;
    exchange.text = std::move(text);
    exchange.operation = TypeName(question.type);
    exchange.tag = TagOf(question);
    exchange.request_first_ns = first_ns;
    exchange.request_last_ns = last_ns;
    exchange.request_bytes = bytes;
  }

  void Answer(const Question& question, const base::TextRef& text, uint64_t first_ns,
              uint64_t last_ns, uint64_t bytes, bool cut) {
    const size_t i = Find(question, text);
    if (i == open_.size()) {
      Count(Loss::kNoRequest, bytes);
      return;
    }
    Exchange& exchange = open_[i];
    exchange.status = ResponseCodeName(question.code);
    if (question.code != 0) exchange.failure = base::Failure::kStatus;
    exchange.response_first_ns = first_ns;
    exchange.response_last_ns = last_ns;
    exchange.response_bytes = bytes;
    if (cut) exchange.flags |= base::kResponseCut;
    setup_.shard->Emit(setup_, exchange);
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
  }

  void GiveUp(size_t i) {
    Exchange& exchange = open_[i];
    if (exchange.hidden) {
      Count(Loss::kResponseLost, 1);
    } else {
      exchange.flags |= base::kNoResponse;
      exchange.failure = base::Failure::kTimeout;
      setup_.shard->Emit(setup_, exchange);
    }
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
  }

  static uint32_t TagOf(const Question& question) {
    return uint32_t{question.id} << 16 | question.type;
  }

  // open_.size() when it was not asked.
  size_t Find(const Question& question, const base::TextRef& text) const {
    const auto found = std::find_if(open_.begin(), open_.end(), [&](const Exchange& exchange) {
      return exchange.tag == TagOf(question) && exchange.text.fingerprint() == text.fingerprint();
    });
    return static_cast<size_t>(found - open_.begin());
  }

  bool TooBad() const { return failures_ > setup_.shard->limits().failures; }
  void Count(Loss loss, uint64_t count) const {
    setup_.shard->counters().Add(setup_.protocol, loss, count);
  }

  base::ParserSetup setup_;
  std::vector<Exchange> open_;  // hidden: the answer may have been in a hole
  bool lost_[2] = {};
  uint32_t failures_ = 0;  // in a row
};

}  // namespace

unsigned int Detect(const ll_detect_head& head) { return ll_detect_dns(&head); }

std::unique_ptr<base::Parser> NewParser() { return std::make_unique<DnsParser>(); }

}  // namespace leadline::agent::protocols::dns
