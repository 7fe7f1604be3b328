// A connection to the port of one protocol, LEADLINE_PROTOCOL_PORT, whatever its two ends say. The
// input is pieces: a byte that says what the piece is, a byte of its length, and the bytes. A
// transcript (tests/golden/protocols) is read as one, so that goldens are seeds.
//
// What must hold: no crash, bounded memory, and records that depend on the bytes alone, not on
// where they were cut.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tests/protocols/replay.h"
#include "tests/protocols/transcript.h"

namespace {

using leadline::tests::protocols::Event;
using leadline::tests::protocols::ParseTranscript;
using leadline::tests::protocols::Replay;
using leadline::tests::protocols::Transcript;
namespace base = leadline::agent::protocols::base;

constexpr size_t kMostMemory = 512 << 10;

// Bits of a piece's first byte.
enum Piece : uint8_t {
  kResponse = 1,
  kUncaptured = 2,
  kLost = 4,
  kLater = 8,
  kLong = 16,
  kTick = 32
};

Transcript FromBytes(std::string_view data) {
  Transcript transcript;
  if (data.empty()) return transcript;
  const auto head = static_cast<uint8_t>(data.front());
  data.remove_prefix(1);
  transcript.info.joined_late = (head & 1) != 0;
  transcript.info.transport = (head & 2) != 0 ? base::Transport::kUdp : base::Transport::kTcp;
  transcript.info.remote_port = LEADLINE_PROTOCOL_PORT;
  uint64_t ts_ns = 1;
  while (data.size() >= 2) {
    const auto what = static_cast<uint8_t>(data[0]);
    size_t size = static_cast<uint8_t>(data[1]);
    data.remove_prefix(2);
    if ((what & kLong) != 0) size *= 16;
    if ((what & kLater) != 0) ts_ns += 200'000'000;
    Event event;
    event.ts_ns = ++ts_ns;
    event.flow = (what & kResponse) != 0 ? base::Flow::kResponse : base::Flow::kRequest;
    if ((what & kTick) != 0) {
      event.kind = Event::Kind::kTick;
    } else if ((what & kLost) != 0) {
      event.kind = Event::Kind::kLost;
      event.length = size;
    } else {
      event.bytes = data.substr(0, size);
      data.remove_prefix(event.bytes.size());
      if ((what & kUncaptured) != 0) event.length = size;
    }
    transcript.events.push_back(std::move(event));
  }
  transcript.events.push_back({.kind = Event::Kind::kClose, .ts_ns = ts_ns + 1});
  return transcript;
}

bool IsWhole(const Transcript& transcript) {
  if (transcript.info.joined_late) return false;
  for (const Event& event : transcript.events) {
    if (event.kind == Event::Kind::kLost ||
        (event.kind == Event::Kind::kBytes && event.length > 0)) {
      return false;
    }
  }
  return true;
}

// Where bytes or a connection were passed over, it matters where chunks begin.
bool PassedOver(const base::Counters& counters) {
  for (const base::Counters::ByProtocol& of : counters.by_protocol) {
    for (size_t i = 0; i < of.losses.size(); ++i) {
      if (base::kLosses[i].kind != base::LossKind::kExchanges && of.losses[i] > 0) return true;
    }
  }
  return false;
}

// In pieces of `size` bytes.
Transcript Cut(const Transcript& transcript, size_t size) {
  Transcript out = transcript;
  out.events.clear();
  for (const Event& event : transcript.events) {
    if (event.kind != Event::Kind::kBytes || event.bytes.empty()) {
      out.events.push_back(event);
      continue;
    }
    for (size_t at = 0; at < event.bytes.size(); at += size) {
      Event piece = event;
      piece.bytes = event.bytes.substr(at, size);
      out.events.push_back(std::move(piece));
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Transcript transcript;
  if (bytes.starts_with("#")) {
    auto parsed = ParseTranscript(bytes);
    if (!parsed.ok()) return -1;
    transcript = *std::move(parsed);
  } else {
    transcript = FromBytes(bytes);
  }
  const auto whole = Replay(transcript);
  if (whole.most_memory_bytes > kMostMemory) abort();
  if (!IsWhole(transcript) || transcript.info.transport == base::Transport::kUdp) return 0;
  const auto cut = Replay(Cut(transcript, 7));
  if (PassedOver(whole.counters) || PassedOver(cut.counters)) return 0;
  if (cut.lines() != whole.lines()) {
    for (const std::string& line : whole.lines()) std::fprintf(stderr, "whole: %s\n", line.c_str());
    for (const std::string& line : cut.lines()) std::fprintf(stderr, "cut:   %s\n", line.c_str());
    abort();
  }
  return 0;
}
