#include "agent/protocols/base/fifo_parser.h"

#include <algorithm>
#include <utility>

#include "agent/protocols/base/shard.h"

namespace leadline::agent::protocols::base {
namespace {

// Turns that have to end with nothing open before a count is trusted; and where requests may not
// wait for responses.
constexpr uint8_t kTurnsToProve = 1;
constexpr uint8_t kTurnsToProveOfPipelines = 2;
// Turns that begin while something is open, before that is given up.
constexpr uint8_t kUncleanTurns = 4;
// Exchanges whose memory is kept for the next connection.
constexpr size_t kKeptExchanges = 16;

}  // namespace

void FifoParser::Begin(const ParserSetup& setup) {
  setup_ = setup;
  requests_lost_ = !setup.from_start;
  responses_ = setup.from_start ? ResponseState::kPaired : ResponseState::kLost;
  shows_turns_ = false;
  exchanged_ = false;
  pipelined_ = false;
  turns_to_prove_ = 0;
  unclean_turns_ = 0;
  failures_ = 0;
  turn_offset_ = UINT64_MAX;
  responses_from_ = responses_seen_ = 0;
  waiting_ = false;
  untracked_ = false;
  ResetFlow(Flow::kRequest);
  ResetFlow(Flow::kResponse);
  BeginConnection();
}

void FifoParser::End() {
  exchanges_.Clear();
  exchanges_.Shrink(kKeptExchanges);
  next_ = Exchange();
  unanswered_.reset();
}

Verdict FifoParser::Parse(Flow flow, const Input& input) {
  return flow == Flow::kRequest ? Requests(input) : Responses(input);
}

void FifoParser::Count(Loss loss, uint64_t count) const {
  shard().counters().Add(setup_.protocol, loss, count);
}

FifoParser::Step FifoParser::PassBytes(const Input& input, size_t& at, uint64_t size) {
  const size_t left = input.bytes.size() - at;
  if (size <= left) {
    at += static_cast<size_t>(size);
    return {.found = Found::kEnd};
  }
  at = input.bytes.size();
  return {.found = Found::kSkip, .skip_bytes = size - left};
}

void FifoParser::DropFront() {
  if (request_.begun && !untracked_ && exchanges_.size() == 1) untracked_ = true;
  exchanges_.Pop();
}

// Whether a message begins at `at`; REQUIRES: there is a byte, or a message is being read.
bool FifoParser::Enter(Reading& reading, const Input& input, size_t at) const {
  if (reading.in_message) return false;
  reading = {.in_message = true, .offset = input.offset + at, .first_ns = input.TimeOf(at)};
  return true;
}

Verdict FifoParser::Requests(const Input& input) {
  if (input.begins_turn) {
    turn_offset_ = input.offset;
    if (requests_lost_) {
      StartAnew();
    } else if (!request_.in_message) {
      TurnBegins();
    }
  }
  if (requests_lost_) return PassOver(input, Loss::kUnsynchronised);

  size_t at = 0;
  while (true) {
    if (!request_.in_message && at == input.bytes.size()) return Verdict::More(at);
    const size_t from = at;
    const bool entered = Enter(request_, input, at);
    const Step step = ReadRequest(input, at, request_.begun ? CurrentRequest() : next_);
    switch (step.found) {
      case Found::kMore:
        if (entered && at == from) request_.in_message = false;
        return Verdict::More(at);
      case Found::kSkip:
        return Verdict::Skip(at, step.skip_bytes);
      case Found::kBegun:
        if (!PushRequest()) return PassOver(input, Loss::kUnsynchronised);
        break;
      case Found::kEnd:
        FinishRequest(input, at);
        break;
      case Found::kIgnored:
        request_ = {};
        next_ = Exchange();
        break;
      case Found::kLeave:
      case Found::kOff:
        return Verdict::Off(step.off_loss);
      case Found::kRedetect:
      case Found::kHandOver:
        return Verdict::Redetect(at);
      case Found::kWait:
      case Found::kInvalid:
        Count(Loss::kInvalidMessage);
        LoseRequests(0);
        if (Fail()) return Verdict::Off(Loss::kInvalid);
        return PassOver(input, Loss::kUnsynchronised);
    }
  }
}

Verdict FifoParser::Responses(const Input& input) {
  responses_seen_ = input.offset + input.bytes.size();
  turn_offset_ = UINT64_MAX;  // it is over
  waiting_ = false;
  if (responses_ == ResponseState::kLost) return PassOver(input, Loss::kNoRequest);
  if (responses_ == ResponseState::kOpenEnd) {
    open_end_offset_ = input.offset + input.bytes.size();
    exchanges_.front().response_last_ns = input.TimeBefore(input.bytes.size());
    return Verdict::More(input.bytes.size());
  }

  size_t at = 0;
  if (input.offset < responses_from_) {
    at =
        static_cast<size_t>(std::min<uint64_t>(responses_from_ - input.offset, input.bytes.size()));
    Count(Loss::kNoRequest, at);
  }
  while (true) {
    if (!response_.in_message && at == input.bytes.size()) return Verdict::More(at);
    const size_t from = at;
    const bool entered = Enter(response_, input, at);
    Exchange* exchange = AwaitingResponse();
    const Step step = ReadResponse(input, at, exchange);
    switch (step.found) {
      case Found::kMore:
        if (entered && at == from) response_.in_message = false;
        return Verdict::More(at);
      case Found::kSkip:
        return Verdict::Skip(at, step.skip_bytes);
      case Found::kBegun:
        if (exchange == nullptr) break;
        response_.begun = true;
        exchange->response_begun = true;
        exchange->response_first_ns = response_.first_ns;
        if (exchanges_.size() > 1 && !exchanges_[1].hidden &&
            exchanges_[1].request_first_ns < response_.first_ns) {
          pipelined_ = true;
        }
        break;
      case Found::kEnd:
        FinishResponse(input, at);
        if (responses_ == ResponseState::kLost) {
          return PassOver(input, Loss::kNoRequest);
        }
        break;
      case Found::kIgnored:
        response_ = {};
        break;
      case Found::kWait:
        response_.in_message = false;
        waiting_ = true;
        return Verdict::Wait(at);
      case Found::kLeave:
        FinishResponse(input, at);
        return Verdict::Off(step.off_loss);
      case Found::kOff:
        return Verdict::Off(step.off_loss);
      case Found::kRedetect:
        FinishResponse(input, at);
        return Verdict::Redetect(at);
      case Found::kHandOver:
        HandOverFront();
        return Verdict::Redetect(at);
      case Found::kInvalid:
        Count(Loss::kInvalidMessage);
        LoseResponses();
        if (Fail()) return Verdict::Off(Loss::kInvalid);
        return PassOver(input, Loss::kNoRequest);
    }
  }
}

Verdict FifoParser::PassOver(const Input& input, Loss loss) {
  Count(loss, input.bytes.size());
  return Verdict::More(input.bytes.size());
}

// The first exchange whose response is not over: that of a request that is still being sent may be.
Exchange* FifoParser::AwaitingResponse() {
  if (exchanges_.empty() || exchanges_.front().response_done) return nullptr;
  return &exchanges_.front();
}

// A request's beginning is known. False when the connection cannot be followed.
bool FifoParser::PushRequest() {
  request_.begun = true;
  untracked_ = false;
  // Otherwise its response may have come before it was known to begin.
  const bool begins_turn = request_.offset == turn_offset_;
  if (responses_ == ResponseState::kOpenEnd) {
    CloseOpenEnd(begins_turn);
    if (begins_turn) responses_ = ResponseState::kPaired;
  }
  if (responses_ == ResponseState::kLost) {
    if (begins_turn) {
      StartAnew();
    } else {
      untracked_ = true;
      Count(Loss::kResponseLost);
      return true;
    }
  }
  if (exchanges_.size() >= shard().limits().pending) {
    Count(Loss::kPipelineFull, exchanges_.size() + 1);
    exchanges_.Clear();
    LosePairing();
    return false;
  }
  if (next_.request_first_ns == 0) next_.request_first_ns = request_.first_ns;
  exchanges_.Push(std::move(next_));
  next_ = Exchange();
  return true;
}

void FifoParser::FinishRequest(const Input& input, size_t at) {
  if (request_.begun) {
    Exchange& exchange = CurrentRequest();
    exchange.request_last_ns = input.TimeBefore(at);
    exchange.request_bytes += input.offset + at - request_.offset;
    if (at == 0 && input.before_estimated) exchange.flags |= kRequestCut;
    exchange.request_done = true;
    if (untracked_) {
      next_ = Exchange();
    } else if (exchange.response_done) {
      EmitFront();
    }
  }
  untracked_ = false;
  request_ = {};
}

void FifoParser::FinishResponse(const Input& input, size_t at) {
  if (Exchange* exchange = AwaitingResponse(); exchange != nullptr && response_.begun) {
    exchange->response_last_ns = input.TimeBefore(at);
    exchange->response_bytes += input.offset + at - response_.offset;
    if (at == 0 && input.before_estimated) exchange->flags |= kResponseCut | kEndEstimated;
    exchange->response_done = true;
    if (exchange->request_done) EmitFront();
  }
  response_ = {};
}

void FifoParser::EmitFront() {
  Exchange& front = exchanges_.front();
  if (!front.hidden) {
    if (turns_to_prove_ > 0) {
      Count(Loss::kUnproven);
    } else {
      failures_ = 0;
      shard().Emit(setup_, front);
    }
  }
  exchanges_.Pop();
  exchanged_ = true;
  // Responses to requests that were in a hole come next.
  if (requests_lost_ && exchanges_.empty()) {
    responses_ = ResponseState::kLost;
    ResetFlow(Flow::kResponse);
  }
}

// Only what is certain to be the one that is answered.
void FifoParser::HandOverFront() {
  response_ = {};
  if (exchanges_.empty()) return;
  if (turns_to_prove_ == 0 && exchanges_.front().request_done) {
    unanswered_ = std::make_unique<Exchange>(std::move(exchanges_.front()));
    unanswered_->status = {};
    unanswered_->response_begun = false;
    unanswered_->response_first_ns = 0;
  } else {
    Count(Loss::kUnproven);
  }
  exchanges_.Pop();
}

// A request begins after the other side has spoken: whatever was asked before has been answered, or
// requests do not wait for responses.
void FifoParser::TurnBegins() {
  if (responses_ != ResponseState::kPaired) return;
  const bool is_clean = exchanges_.empty() && !response_.in_message && !waiting_;
  if (turns_to_prove_ == 0) {
    shows_turns_ |= is_clean && exchanged_;
  } else if (is_clean) {
    if (--turns_to_prove_ > 0) return;
    pipelined_ = false;
    shows_turns_ = true;
  } else {
    pipelined_ = true;
    LosePairing();
    StartAnew();
  }
}

// Takes the turn that begins as a point at which nothing is open. False when something is known to
// be.
bool FifoParser::StartAnew() {
  if (responses_ == ResponseState::kOpenEnd) CloseOpenEnd(!requests_lost_);
  if (responses_ == ResponseState::kPaired && (!exchanges_.empty() || response_.in_message)) {
    if (++unclean_turns_ < kUncleanTurns) return false;
    GiveUpPending(false);
  }
  unclean_turns_ = 0;
  responses_ = ResponseState::kPaired;
  responses_from_ = responses_seen_;
  waiting_ = false;
  ResetFlow(Flow::kResponse);
  if (requests_lost_) {
    requests_lost_ = false;
    ResetFlow(Flow::kRequest);
  }
  turns_to_prove_ = pipelined_ || !shows_turns_ ? kTurnsToProveOfPipelines : kTurnsToProve;
  Count(Loss::kResynchronised);
  return true;
}

// A hole in the requests, or bytes that are none: how many there were is unknown.
void FifoParser::LoseRequests(uint64_t ts_ns) {
  if (requests_lost_) return;
  const bool only_one = request_.begun && !untracked_ && exchanges_.size() == 1 && !pipelined_;
  if (only_one) {
    // Its response is the next that comes: further requests would have waited for it.
    Exchange& exchange = exchanges_.back();
    exchange.flags |= kRequestCut;
    exchange.request_last_ns = ts_ns;
    exchange.request_done = true;
  } else if (responses_ == ResponseState::kPaired) {
    // More was sent before these were answered, as far as is known.
    if (exchanges_.size() > (response_.begun ? 1 : 0)) pipelined_ = true;
    GiveUpPending(true);
  }
  requests_lost_ = true;
  next_ = Exchange();
  untracked_ = false;
  ResetFlow(Flow::kRequest);
  OnGap(Flow::kRequest);
  if (responses_ == ResponseState::kOpenEnd) CloseOpenEnd(false);
  if (!exchanges_.empty() && exchanges_.front().response_done) EmitFront();
  if (exchanges_.empty() && responses_ != ResponseState::kLost) {
    responses_ = ResponseState::kLost;
    ResetFlow(Flow::kResponse);
  }
}

// A hole in the responses, or bytes that are none.
void FifoParser::LoseResponses() {
  if (responses_ != ResponseState::kPaired) return;
  const bool open_end = response_.begun && exchanges_.size() == 1 && !pipelined_;
  if (open_end) {
    Exchange& front = exchanges_.front();
    front.flags |= kResponseCut | kEndEstimated;
    open_end_offset_ = response_.offset;
    front.response_bytes -= response_.offset;  // until CloseOpenEnd
    responses_ = ResponseState::kOpenEnd;
  } else {
    GiveUpPending(false);
    responses_ = ResponseState::kLost;
  }
  ResetFlow(Flow::kResponse);
  OnGap(Flow::kResponse);
}

void FifoParser::LosePairing() {
  GiveUpPending(false);
  requests_lost_ = true;
  responses_ = ResponseState::kLost;
  untracked_ = false;
  next_ = Exchange();
  ResetFlow(Flow::kRequest);
  ResetFlow(Flow::kResponse);
}

void FifoParser::CloseOpenEnd(bool known_end) {
  Exchange& front = exchanges_.front();
  front.response_bytes += open_end_offset_;
  front.response_done = true;
  if (!known_end) {
    front.flags &= static_cast<uint16_t>(~kEndEstimated);
    front.response_last_ns = 0;
    front.response_bytes = 0;
  }
  if (!front.request_done) front.flags |= kRequestCut;
  responses_ = ResponseState::kLost;
  EmitFront();
}

// Whose response was lost is told without one. The first exchange stays when its response is being
// read.
void FifoParser::GiveUpPending(bool keep_begun) {
  const size_t kept = keep_begun && response_.begun && !exchanges_.empty() ? 1 : 0;
  if (request_.begun && exchanges_.size() > kept) untracked_ = true;
  size_t told = 0;
  while (exchanges_.size() > kept) {
    if (!exchanges_.back().hidden) ++told;
    exchanges_.PopBack();
  }
  Count(Loss::kResponseLost, told);
  // They may have been sent without waiting.
  if (told > 1) pipelined_ = true;
  if (kept == 1 && !exchanges_.front().request_done) {
    exchanges_.front().request_done = true;
    exchanges_.front().flags |= kRequestCut;
  }
}

// True when it has happened too often.
bool FifoParser::Fail() { return ++failures_ > shard().limits().failures; }

void FifoParser::ResetFlow(Flow flow) {
  (flow == Flow::kRequest ? request_ : response_) = {};
  Restart(flow);
}

void FifoParser::Gap(Flow flow, uint64_t bytes, uint64_t ts_ns) {
  if (flow == Flow::kRequest) {
    LoseRequests(ts_ns);
    return;
  }
  turn_offset_ = UINT64_MAX;
  if (responses_ == ResponseState::kPaired) LoseResponses();
  if (responses_ == ResponseState::kOpenEnd) {
    exchanges_.front().response_last_ns = ts_ns;
    open_end_offset_ += bytes;
  }
}

void FifoParser::Tick(uint64_t now_ns) {
  if (responses_ != ResponseState::kOpenEnd) return;
  const Exchange& front = exchanges_.front();
  if (!front.request_done) return;
  if (now_ns < front.response_last_ns + shard().limits().open_end_ns) return;
  CloseOpenEnd(true);
}

void FifoParser::Close(const Ending& ending) {
  if (responses_ == ResponseState::kOpenEnd) {
    CloseOpenEnd(ending.whole);
    return;
  }
  if (responses_ == ResponseState::kLost || turns_to_prove_ > 0) return;
  bool first = true;
  while (!exchanges_.empty()) {
    Exchange& front = exchanges_.front();
    const auto last = static_cast<size_t>(Flow::kResponse);
    if (first && response_.begun && !front.response_done) {
      front.response_bytes += ending.offset[last] - response_.offset;
      front.response_last_ns = ending.last_ns[last];
      if (!EndsWithConnection()) {
        front.flags |= kResponseCut;
        if (ending.whole) front.failure = Failure::kClosed;
      } else if (!ending.whole || ending.cut[last]) {
        front.flags |= kResponseCut | kEndEstimated;
      }
    } else if (!front.response_done) {
      front.flags |= kNoResponse;
      if (ending.whole) front.failure = Failure::kClosed;
    }
    if (!front.request_done) {
      front.flags |= kRequestCut;
    }
    first = false;
    EmitFront();
  }
}

}  // namespace leadline::agent::protocols::base
