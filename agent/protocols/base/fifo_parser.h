// A parser of a protocol in which responses come in the order of the requests: it pairs them, times
// them, and knows what may still be said after a hole. What a protocol adds is how to read its
// messages.
//
// Pairing after a hole (docs/adr: "Requests from captured bytes"). Who has lost count waits for a
// turn: a request that comes after bytes of the other side, when every request seen before it has
// its response. There it begins anew. The exchanges of the first turn are left out until it has
// ended with nothing open, which proves the count; of the first two on connections that were joined
// late or have not shown that requests wait for responses.
//
// A response whose head was seen and whose end was not ends with the last byte before the next
// request (kEndEstimated).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "agent/protocols/base/exchange.h"
#include "agent/protocols/base/parser.h"
#include "agent/protocols/base/ring.h"

namespace leadline::agent::protocols::base {

class FifoParser : public Parser {
 public:
  void Begin(const ParserSetup& setup) final;
  Verdict Parse(Flow flow, const Input& input) final;
  void Gap(Flow flow, uint64_t bytes, uint64_t ts_ns) final;
  std::unique_ptr<Exchange> TakeUnanswered() final { return std::move(unanswered_); }
  void Tick(uint64_t now_ns) final;
  void Close(const Ending& ending) final;
  void End() final;
  size_t memory_bytes() const override { return exchanges_.memory_bytes(); }

 protected:
  // What a step of reading found. `at` is behind what was read.
  enum class Found : uint8_t {
    kMore,      // the rest is not enough; nothing of it was taken, or all that is of no further use
    kSkip,      // `skip_bytes` that nobody needs come next; all of the input was taken
    kBegun,     // the exchange's method, command or status is known; read on
    kEnd,       // the message is over
    kIgnored,   // so is one that is no request, or no response to one
    kWait,      // a response, and there is no request for it
    kInvalid,   // not this protocol
    kOff,       // nothing more of this connection, for `off_loss`
    kLeave,     // as kOff, and the message is over
    kRedetect,  // the message is over, and another protocol follows
    kHandOver,  // as kRedetect, and the response is that protocol's
  };
  struct Step {
    Found found = Found::kMore;
    Loss off_loss{};
    uint64_t skip_bytes = 0;
  };

  // Passes over `size` bytes: kEnd when all of them are there, else kSkip.
  static Step PassBytes(const Input& input, size_t& at, uint64_t size);

  // What is left of a message that needs no reading.
  struct Rest {
    bool active = false;
    uint64_t rest = 0;
    Found then = Found::kMore;  // what is found once it is over

    Step Pass(const Input& input, size_t& at) {
      const Step step = PassBytes(input, at, rest);
      rest = 0;
      if (step.found == Found::kSkip) return step;
      active = false;
      return {.found = then};
    }
  };

  // Reads on from input.bytes[at]. One message after another: after kEnd and kIgnored the next
  // begins.
  virtual Step ReadRequest(const Input& input, size_t& at, Exchange& exchange) = 0;
  // No exchange: every request that was seen has its response.
  virtual Step ReadResponse(const Input& input, size_t& at, Exchange* exchange) = 0;
  // The next message of the flow begins anew, whatever was read of one.
  virtual void Restart(Flow flow) = 0;
  virtual void BeginConnection() {}
  // What was known of the connection as a whole may be wrong after a hole in the flow.
  virtual void OnGap(Flow /*flow*/) {}
  // Whether a response that is being read is over when the connection is.
  virtual bool EndsWithConnection() const { return false; }

  const ParserSetup& setup() const { return setup_; }
  Shard& shard() const { return *setup_.shard; }
  void Count(Loss loss, uint64_t count = 1) const;
  Ring<Exchange>& exchanges() { return exchanges_; }
  // The exchange at the front has no response of its own. REQUIRES: it has not begun
  void DropFront();

 private:
  enum class ResponseState : uint8_t {
    kPaired,
    kOpenEnd,  // the rest belongs to the front exchange, wherever it ends
    kLost,     // whose response comes is not known
  };
  // A message that is being read.
  struct Reading {
    bool in_message = false;
    bool begun = false;
    uint64_t offset = 0;  // of its first byte
    uint64_t first_ns = 0;
  };

  Verdict Requests(const Input& input);
  Verdict Responses(const Input& input);
  bool Enter(Reading& reading, const Input& input, size_t at) const;
  bool PushRequest();
  void FinishRequest(const Input& input, size_t at);
  void FinishResponse(const Input& input, size_t at);
  Exchange& CurrentRequest() { return untracked_ ? next_ : exchanges_.back(); }
  Exchange* AwaitingResponse();
  Verdict PassOver(const Input& input, Loss loss);

  void TurnBegins();
  bool StartAnew();
  void LoseRequests(uint64_t ts_ns);
  void LoseResponses();
  void LosePairing();
  void CloseOpenEnd(bool known_end);
  void GiveUpPending(bool keep_begun);
  void EmitFront();
  void HandOverFront();
  bool Fail();
  void ResetFlow(Flow flow);

  ParserSetup setup_;
  Ring<Exchange> exchanges_;
  std::unique_ptr<Exchange> unanswered_;
  Exchange next_;  // the request being read, until it is pushed
  Reading request_;
  Reading response_;
  bool requests_lost_ = false;
  ResponseState responses_ = ResponseState::kPaired;
  bool untracked_ = false;    // the request being read has no place in exchanges_
  bool pipelined_ = false;    // requests have been sent before the responses to earlier ones
  bool shows_turns_ = false;  // a turn has begun with everything before it answered
  bool exchanged_ = false;
  uint8_t turns_to_prove_ = 0;
  uint8_t unclean_turns_ = 0;
  uint32_t failures_ = 0;         // in a row
  uint64_t turn_offset_ = 0;      // where the last turn of requests began
  uint64_t open_end_offset_ = 0;  // what came of a response with an open end
  // Responses before this offset are to requests from before pairing began anew; and how far they
  // have come.
  uint64_t responses_from_ = 0;
  uint64_t responses_seen_ = 0;
  bool waiting_ = false;  // a response is held back, for want of a request
};

}  // namespace leadline::agent::protocols::base
