#include "agent/protocols/connection.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "agent/protocols/base/detect.h"

namespace leadline::agent::protocols {
namespace {

using base::Direction;
using base::Flow;
using base::Input;
using base::Loss;
using base::Other;
using base::Verdict;

// How much of a chunk is put behind what was left, before another look.
constexpr size_t kAppendBytes = 2048;

}  // namespace

void Connection::Begin(const base::ConnectionInfo& info) {
  Forget();
  info_ = info;
  state_ = State::kDetecting;
  protocol_ = base::Protocol::kUnknown;
  spoken_ = false;
  whole_ = !info.joined_late;
  looked_at_ = 0;
  evidence_ = {};
  for (Way& way : ways_) way = Way();
}

void Connection::Forget() {
  if (parser_ != nullptr) parsers_.Return(protocol_, std::move(parser_));
  for (Way& way : ways_) way.buffer.Clear();
  if (unanswered_ != nullptr) Count(Loss::kResponseLost, 1);
  unanswered_.reset();
  state_ = State::kOff;
}

void Connection::SwitchOff(Loss loss) {
  Count(loss, 1);
  Forget();
}

void Connection::Push(const Chunk& chunk) {
  if (state_ == State::kOff) return;
  Way& way = ways_[static_cast<size_t>(chunk.direction)];
  if (!way.started) {
    way.started = true;
    if (info_.joined_late) way.next = way.position = chunk.offset;
  }
  Piece piece{.bytes = chunk.bytes, .missing = chunk.uncaptured, .ts_ns = chunk.ts_ns};
  if (chunk.offset < way.next) {
    const uint64_t late = way.next - chunk.offset;
    const size_t cut = static_cast<size_t>(std::min<uint64_t>(late, piece.bytes.size()));
    piece.bytes.remove_prefix(cut);
    piece.missing -= std::min(late - cut, piece.missing);
    Count(Loss::kLate, cut);
    if (piece.bytes.empty() && piece.missing == 0) return;
  }
  const uint64_t lost = chunk.offset > way.next ? chunk.offset - way.next : 0;
  way.next += lost + piece.bytes.size() + piece.missing;
  way.last_ns = chunk.ts_ns;
  piece.begins_chunk = true;
  // What was lost may have been the beginning of the turn.
  piece.begins_turn = lost == 0 && (!spoken_ || last_direction_ != chunk.direction);
  spoken_ = true;
  last_direction_ = chunk.direction;

  if (lost > 0) {
    Deliver(chunk.direction, {.missing = lost, .ts_ns = chunk.ts_ns, .why = Loss::kGapLost});
  }
  Deliver(chunk.direction, piece);
}

void Connection::Deliver(Direction direction, const Piece& piece) {
  if (state_ == State::kDetecting) {
    DetectIn(direction, piece);
    return;
  }
  if (state_ == State::kOff) return;
  const Flow flow = FlowOf(direction);
  if (info_.transport == base::Transport::kUdp) {
    RunDatagram(flow, piece);
    return;
  }
  StopWaiting(piece.ts_ns);
  Run(flow, piece);
  if (state_ != State::kParsing || flow == Flow::kResponse) return;
  Way& responses = way(Flow::kResponse);
  if (responses.waiting) Run(Flow::kResponse, {.ts_ns = responses.last_ns});
}

// ---- Which protocol -----------------------------------------------------------------------------

void Connection::DetectIn(Direction direction, Piece piece) {
  Way& way = ways_[static_cast<size_t>(direction)];
  if (piece.bytes.empty()) {  // a hole
    KeepForDetection(way, piece);
    return;
  }
  // What was kept and what has come, as one.
  char window[LL_DETECT_WINDOW];
  const std::string_view kept = way.buffer.bytes();
  const size_t from_kept = std::min<size_t>(kept.size(), sizeof window);
  const size_t from_piece = std::min(piece.bytes.size(), sizeof window - from_kept);
  if (from_kept > 0) std::memcpy(window, kept.data(), from_kept);
  std::memcpy(window + from_kept, piece.bytes.data(), from_piece);

  const Detected detected =
      Detect({.bytes = {window, from_kept + from_piece},
              .total = kept.size() + piece.bytes.size() + piece.missing,
              .direction = direction,
              .first = whole_ && ways_[static_cast<size_t>(Other(direction))].next == 0},
             info_, evidence_);
  switch (detected.answer) {
    case Detected::Answer::kEncrypted:
      SwitchOff(Loss::kEncrypted);
      return;
    case Detected::Answer::kFound: {
      StartParser(detected.protocol, detected.requests);
      // What was kept of the other direction came before.
      Way& other = ways_[static_cast<size_t>(Other(direction))];
      if (!other.buffer.empty() && info_.transport == base::Transport::kTcp) {
        Run(FlowOf(Other(direction)), {.ts_ns = other.last_ns});
      }
      Deliver(direction, piece);
      return;
    }
    case Detected::Answer::kEither:
      // Nothing is told by them, and the next may begin with what tells.
      way.is_none = !whole_;
      KeepForDetection(way, piece);
      return;
    case Detected::Answer::kNo:
      way.is_none = true;
      break;
    case Detected::Answer::kMore:
      way.is_none = false;
      break;
  }
  const bool neither = ways_[0].is_none && ways_[1].is_none && whole_;
  // A window that is not full yet may still tell; of others there are only so many.
  const bool may_tell =
      detected.answer == Detected::Answer::kMore && from_kept + from_piece < sizeof window;
  if (neither || (!may_tell && ++looked_at_ >= shard_.limits().detect_chunks)) {
    SwitchOff(Loss::kUndetected);
    return;
  }
  KeepForDetection(way, piece);
}

// Keeps what may be the beginning of a protocol; without holes, and only from the first byte on or
// since a turn began.
void Connection::KeepForDetection(Way& way, const Piece& piece) {
  if (way.buffer.empty()) {
    way.begins_chunk = piece.begins_chunk;
    way.begins_turn = piece.begins_turn;
  }
  const size_t taken =
      way.buffer.Append(piece.bytes, piece.ts_ns, piece.bytes.size(), shard_.buffers());
  if (taken == piece.bytes.size() && piece.missing == 0 && (whole_ || !way.is_none)) return;
  Count(Loss::kUnsynchronised, way.buffer.bytes().size() + piece.bytes.size() - taken);
  Count(piece.why, piece.missing);
  way.buffer.Clear();
  way.position = way.next;
  whole_ = false;
}

void Connection::StartParser(base::Protocol protocol, Direction requests) {
  protocol_ = protocol;
  requests_ = requests;
  state_ = State::kParsing;
  ++shard_.counters().of(protocol).connections;
  parser_ = parsers_.Take(protocol);
  parser_->Begin({
      .shard = &shard_,
      .protocol = protocol,
      .side = requests == Direction::kEgress ? base::Side::kClient : base::Side::kServer,
      .info = info_,
      .from_start = whole_,
  });
  if (unanswered_ == nullptr) return;
  if (!parser_->Adopt(std::move(*unanswered_))) Count(Loss::kResponseLost, 1);
  unanswered_.reset();
}

// The parser is done with its protocol, not with the connection.
void Connection::Redetect(Flow flow, const Piece& piece) {
  const Direction direction = DirectionOf(flow);
  unanswered_ = parser_->TakeUnanswered();
  parsers_.Return(protocol_, std::move(parser_));
  protocol_ = base::Protocol::kUnknown;
  state_ = State::kDetecting;
  looked_at_ = 0;
  evidence_ = {};
  for (Way& way : ways_) {
    way.skip = 0;
    way.waiting = false;
    way.is_none = false;
    way.begins_turn = true;
  }
  if (!piece.bytes.empty()) DetectIn(direction, piece);
}

// ---- Bytes to the parser ------------------------------------------------------------------------

// What is wanted of nobody goes first. False when that was all, and more of it is to come.
bool Connection::Skip(Way& way, Piece& piece) {
  if (way.skip == 0) return true;
  const size_t seen = static_cast<size_t>(std::min<uint64_t>(way.skip, piece.bytes.size()));
  piece.bytes.remove_prefix(seen);
  way.skip -= seen;
  const uint64_t unseen = piece.bytes.empty() ? std::min(way.skip, piece.missing) : 0;
  piece.missing -= unseen;
  way.skip -= unseen;
  way.position += seen + unseen;
  if (seen + unseen > 0) {
    // When lost bytes came is not known: the last that is known counts.
    way.before_estimated = seen == 0 && piece.why == Loss::kGapLost;
    if (!way.before_estimated) way.before_ns = piece.ts_ns;
    piece.begins_chunk = false;
    piece.begins_turn = false;
  }
  return way.skip == 0;
}

// Puts some of the piece behind what was left of the flow. False when there is no room: what was
// left is lost then.
bool Connection::Fill(Flow flow, Piece& piece, size_t& taken) {
  Way& way = this->way(flow);
  taken = way.buffer.Append(piece.bytes, piece.ts_ns, kAppendBytes, shard_.buffers());
  if (taken > 0 || piece.bytes.empty()) return true;
  LoseKept(flow, way.buffer.out_of_memory() ? Loss::kPoolFull : Loss::kBufferFull, 0, piece.ts_ns);
  return false;
}

void Connection::LoseKept(Flow flow, Loss loss, uint64_t also_missing, uint64_t ts_ns) {
  Way& way = this->way(flow);
  const uint64_t kept = way.buffer.bytes().size();
  Count(loss, also_missing > 0 ? also_missing : kept);
  way.buffer.Clear();
  way.waiting = false;
  way.position += kept + also_missing;
  way.before_ns = ts_ns;
  whole_ = false;
  parser_->Gap(flow, kept + also_missing, ts_ns);
}

void Connection::Run(Flow flow, Piece piece) {
  Way& way = this->way(flow);
  way.waiting = false;
  const bool was_skipping = way.skip > 0;
  if (!Skip(way, piece)) return;
  if (!was_skipping && piece.bytes.empty() && piece.missing == 0 && way.buffer.empty()) return;

  while (true) {
    const size_t kept = way.buffer.bytes().size();
    size_t taken = piece.bytes.size();
    if (kept > 0 && !Fill(flow, piece, taken)) continue;
    const bool all = taken == piece.bytes.size();
    const Input input{
        .bytes = kept > 0 ? way.buffer.bytes() : piece.bytes,
        .offset = way.position,
        .missing = all ? piece.missing : 0,
        .before_ns = way.before_ns,
        .before_estimated = way.before_estimated,
        .ts_ns = piece.ts_ns,
        .kept = kept > 0 ? way.buffer.marks() : absl::Span<const Input::Mark>(),
        .begins_chunk = kept > 0 ? way.begins_chunk : piece.begins_chunk,
        .begins_turn = kept > 0 ? way.begins_turn : piece.begins_turn,
    };
    piece.begins_chunk = piece.begins_turn = way.begins_chunk = way.begins_turn = false;
    const Verdict verdict = parser_->Parse(flow, input);
    const size_t consumed = verdict.consumed;
    way.position += consumed;
    if (consumed > 0) {
      way.before_ns = input.TimeBefore(consumed);
      way.before_estimated = false;
      way.waiting_since_ns = 0;
    }
    if (kept == 0) {
      piece.bytes.remove_prefix(consumed);
    } else if (consumed >= kept) {
      piece.bytes.remove_prefix(consumed - kept);
      way.buffer.Clear();
    } else {
      piece.bytes.remove_prefix(taken);
      way.buffer.Consume(consumed);
    }

    switch (verdict.next) {
      case Verdict::Next::kOff:
        SwitchOff(verdict.loss);
        return;
      case Verdict::Next::kRedetect:
        Redetect(flow, piece);
        return;
      case Verdict::Next::kSkip:
        way.skip = verdict.skip;
        if (!Skip(way, piece)) return;
        break;
      case Verdict::Next::kMore:
      case Verdict::Next::kWait:
        if (!all) break;
        Settle(flow, piece, verdict.next == Verdict::Next::kWait);
        return;
    }
  }
}

// The parser has seen all there is: keeps what it left.
void Connection::Settle(Flow flow, const Piece& piece, bool wait) {
  Way& way = this->way(flow);
  if (!piece.bytes.empty()) {
    const size_t taken =
        way.buffer.Append(piece.bytes, piece.ts_ns, piece.bytes.size(), shard_.buffers());
    if (taken < piece.bytes.size()) {
      LoseKept(flow, way.buffer.out_of_memory() ? Loss::kPoolFull : Loss::kBufferFull,
               piece.bytes.size() - taken + piece.missing, piece.ts_ns);
      return;
    }
  }
  if (piece.missing > 0) {
    LoseKept(flow, piece.why, piece.missing, piece.ts_ns);
    return;
  }
  if (wait) {
    way.waiting = true;
    if (way.waiting_since_ns == 0) way.waiting_since_ns = piece.ts_ns;
  } else {
    way.waiting_since_ns = 0;
  }
}

// Datagrams are whole, or nothing is kept of them.
void Connection::RunDatagram(Flow flow, const Piece& piece) {
  Way& way = this->way(flow);
  if (piece.bytes.empty()) {
    Count(piece.why, piece.missing);
    parser_->Gap(flow, piece.missing, piece.ts_ns);
    return;
  }
  const Verdict verdict = parser_->Parse(flow, {.bytes = piece.bytes,
                                                .offset = way.position,
                                                .missing = piece.missing,
                                                .before_ns = way.before_ns,
                                                .ts_ns = piece.ts_ns,
                                                .begins_turn = piece.begins_turn,
                                                .datagram = true});
  way.position += piece.bytes.size() + piece.missing;
  way.before_ns = piece.ts_ns;
  if (verdict.next == Verdict::Next::kOff) SwitchOff(verdict.loss);
}

// A response whose request does not come is none.
void Connection::StopWaiting(uint64_t now_ns) {
  Way& responses = way(Flow::kResponse);
  if (!responses.waiting || now_ns < responses.waiting_since_ns + shard_.limits().wait_ns) return;
  responses.waiting_since_ns = 0;
  LoseKept(Flow::kResponse, Loss::kNoRequest, 0, now_ns);
}

// ---- Time and the end ---------------------------------------------------------------------------

void Connection::Tick(uint64_t now_ns) {
  if (state_ != State::kParsing) return;
  if (info_.transport == base::Transport::kTcp) StopWaiting(now_ns);
  parser_->Tick(now_ns);
}

void Connection::Close(const End& end) {
  base::Ending ending{.ts_ns = end.ts_ns, .whole = true};
  for (const Direction direction : {Direction::kEgress, Direction::kIngress}) {
    Way& way = ways_[static_cast<size_t>(direction)];
    const uint64_t bytes = end.offset[static_cast<size_t>(direction)];
    if (bytes == End::kUnknown) ending.whole = false;
    if (bytes == End::kUnknown || bytes <= way.next) continue;
    const Piece tail{.missing = bytes - way.next, .ts_ns = end.ts_ns, .why = Loss::kGapLost};
    way.next = bytes;
    Deliver(direction, tail);
  }
  if (state_ == State::kParsing) {
    for (const Flow flow : {Flow::kRequest, Flow::kResponse}) {
      ending.offset[static_cast<size_t>(flow)] = way(flow).next;
      ending.last_ns[static_cast<size_t>(flow)] = way(flow).last_ns;
      ending.cut[static_cast<size_t>(flow)] = way(flow).before_estimated;
    }
    parser_->Close(ending);
  } else if (state_ == State::kDetecting && spoken_) {
    Count(Loss::kUndetected, 1);
  }
  Forget();
}

size_t Connection::memory_bytes() const {
  size_t bytes = sizeof *this;
  for (const Way& way : ways_) bytes += way.buffer.memory_bytes();
  if (parser_ != nullptr) bytes += parser_->memory_bytes();
  return bytes;
}

}  // namespace leadline::agent::protocols
