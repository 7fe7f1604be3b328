// What must hold whichever way bytes arrive: cutting chunks changes no record, and holes make
// records partial or missing, never wrong.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "fmt/ranges.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/protocols/protocol_table.h"
#include "tests/protocols/replay.h"
#include "tests/protocols/transcript.h"

namespace leadline::tests::protocols {
namespace {

using agent::protocols::ProtocolRow;
using agent::protocols::ProtocolTable;

constexpr int kRounds = 60;

bool IsWhole(const Transcript& transcript) {
  return !transcript.info.joined_late &&
         std::none_of(transcript.events.begin(), transcript.events.end(), [](const Event& event) {
           return event.kind == Event::Kind::kLost ||
                  (event.kind == Event::Kind::kBytes && event.length > 0);
         });
}

// Those in which nothing is missing.
std::vector<Transcript> WholeTranscripts() {
  std::vector<Transcript> whole;
  for (const ProtocolRow& row : ProtocolTable()) {
    for (Transcript& transcript : LoadTranscripts(base::ProtocolKey(row.protocol))) {
      if (IsWhole(transcript)) whole.push_back(std::move(transcript));
    }
  }
  return whole;
}

// Every chunk in pieces of at most `most` bytes.
Transcript Cut(const Transcript& transcript, size_t most, std::mt19937_64& random) {
  Transcript out = transcript;
  out.events.clear();
  for (const Event& event : transcript.events) {
    if (event.kind != Event::Kind::kBytes || event.bytes.empty() ||
        transcript.info.transport == base::Transport::kUdp) {
      out.events.push_back(event);
      continue;
    }
    for (size_t at = 0; at < event.bytes.size();) {
      const size_t size =
          std::min<size_t>(event.bytes.size() - at, most == 1 ? 1 : 1 + random() % most);
      Event piece = event;
      piece.bytes = event.bytes.substr(at, size);
      at += size;
      piece.length = at == event.bytes.size() ? event.length : 0;
      out.events.push_back(std::move(piece));
    }
  }
  return out;
}

TEST(PropertyTest, CuttingChunksChangesNoRecord) {
  std::mt19937_64 random(1);
  for (const Transcript& transcript : WholeTranscripts()) {
    const std::vector<std::string> expected = Replay(transcript).lines();
    for (int round = 0; round < kRounds; ++round) {
      const size_t most = round == 0 ? 1 : 1 + random() % 100;
      const Transcript cut = Cut(transcript, most, random);
      ASSERT_THAT(Replay(cut).lines(), testing::ElementsAreArray(expected))
          << transcript.name << ", pieces of at most " << most;
    }
  }
}

// A reader of the other direction may be ahead of the writer.
TEST(PropertyTest, EitherDirectionMayComeFirst) {
  std::mt19937_64 random(2);
  for (const Transcript& transcript : WholeTranscripts()) {
    if (transcript.info.transport == base::Transport::kUdp) continue;
    const std::vector<std::string> expected = Replay(transcript).lines();
    for (int round = 0; round < kRounds; ++round) {
      Transcript other = transcript;
      // From the second exchange on: what the first chunks are decides what is found.
      for (size_t i = 4; i + 1 < other.events.size(); ++i) {
        Event& a = other.events[i];
        Event& b = other.events[i + 1];
        if (a.kind != Event::Kind::kBytes || b.kind != Event::Kind::kBytes) continue;
        if (a.flow == base::Flow::kRequest && b.flow == base::Flow::kResponse &&
            b.ts_ns < a.ts_ns + 50'000'000 && random() % 2 == 0) {
          std::swap(a, b);
          ++i;
        }
      }
      ASSERT_THAT(Replay(other).lines(), testing::UnorderedElementsAreArray(expected))
          << transcript.name;
    }
  }
}

// Whether a record of an incomplete capture says nothing that is not so.
bool Agrees(const KeptRecord& partial, const KeptRecord& real) {
  const uint16_t flags = partial.record.flags;
  const bool request_cut = (flags & base::kRequestCut) != 0;
  const bool response_cut = (flags & (base::kResponseCut | base::kNoResponse)) != 0;
  const bool late = (flags & base::kJoinedLate) != 0;
  const bool unknown = late || (flags & base::kFieldsUnknown) != 0;
  const auto same = [unknown](const std::string& a, const std::string& b) {
    return a == b || (unknown && a.empty());
  };
  const auto same_time = [](uint64_t a, uint64_t b, bool may_differ) {
    return a == b || (may_differ && a == 0);
  };
  const bool text_cut = (flags & base::kTextCut) != 0;
  // Up to the list in which it was cut, which is one literal in the whole text.
  const size_t list = partial.target.find_last_of('(');
  const size_t last = partial.target.find_last_not_of(" ,(", list);
  const bool same_target =
      same(partial.target, real.target) ||
      (text_cut && (real.target.starts_with(partial.target) ||
                    real.target.starts_with(partial.target.substr(0, last + 1))));
  // What is not known to be an RPC is a POST all the same.
  const bool kind_unknown = unknown && real.record.kind == base::RecordKind::kRpc &&
                            partial.record.kind == base::RecordKind::kHttp;
  const bool same_operation = same(partial.operation, real.operation) ||
                              (text_cut && partial.operation.empty()) ||
                              (kind_unknown && partial.operation == "POST");
  return same_operation && same_target &&
         (partial.status == real.status || (partial.status.empty() && (response_cut || unknown))) &&
         same_time(partial.record.request_first_ns, real.record.request_first_ns, late) &&
         same_time(partial.record.response_first_ns, real.record.response_first_ns,
                   response_cut || late) &&
         (request_cut || late || partial.record.request_last_ns == real.record.request_last_ns) &&
         (response_cut || late ||
          partial.record.response_last_ns == real.record.response_last_ns) &&
         (request_cut || late || partial.record.request_bytes == real.record.request_bytes) &&
         (response_cut || late || partial.record.response_bytes == real.record.response_bytes);
}

// Each partial record is one of the real ones, none of them twice: what is wrong, "" for nothing.
std::string WrongIn(const std::vector<KeptRecord>& partial, const std::vector<KeptRecord>& real) {
  std::vector<bool> taken(real.size());
  for (const KeptRecord& record : partial) {
    bool found = false;
    for (size_t i = 0; i < real.size() && !found; ++i) {
      if (taken[i] || !Agrees(record, real[i])) continue;
      found = taken[i] = true;
    }
    if (!found) return record.line;
  }
  return "";
}

// Takes bytes out: whole chunks, parts of them, or the rest of them as not captured.
Transcript WithHoles(const Transcript& transcript, int one_in, std::mt19937_64& random) {
  Transcript out = transcript;
  out.events.clear();
  for (Event event : transcript.events) {
    if (event.kind != Event::Kind::kBytes || random() % static_cast<unsigned>(one_in) != 0) {
      out.events.push_back(std::move(event));
      continue;
    }
    const size_t from = random() % 2 == 0 ? 0 : random() % (event.bytes.size() + 1);
    Event lost = event;
    lost.bytes.clear();
    if (random() % 2 == 0) {
      event.length = event.bytes.size() - from;
      event.bytes.resize(from);
      out.events.push_back(std::move(event));
      continue;
    }
    // Of a datagram all is lost.
    if (transcript.info.transport == base::Transport::kUdp) {
      lost.kind = Event::Kind::kLost;
      lost.length = event.bytes.size();
      out.events.push_back(std::move(lost));
      continue;
    }
    const size_t size =
        random() % 2 == 0 ? event.bytes.size() - from : random() % (event.bytes.size() - from + 1);
    Event before = event;
    before.bytes.resize(from);
    if (!before.bytes.empty()) out.events.push_back(std::move(before));
    lost.kind = Event::Kind::kLost;
    lost.length = size;
    out.events.push_back(std::move(lost));
    event.bytes.erase(0, from + size);
    if (!event.bytes.empty()) out.events.push_back(std::move(event));
  }
  return out;
}

// A question that is asked again for want of an answer looks like the first one when that was
// missed.
bool RepeatsItself(const Transcript& transcript) {
  return std::any_of(transcript.events.begin(), transcript.events.end(),
                     [](const Event& event) { return event.kind == Event::Kind::kTick; });
}

TEST(PropertyTest, HolesMakeNoRecordWrong) {
  std::mt19937_64 random(3);
  size_t told = 0;
  size_t real_records = 0;
  for (const Transcript& transcript : WholeTranscripts()) {
    if (RepeatsItself(transcript)) continue;
    const std::vector<KeptRecord> real = Replay(transcript).records;
    for (int round = 0; round < kRounds * 5; ++round) {
      const Transcript holes = WithHoles(transcript, 2 + round % 20, random);
      const std::vector<KeptRecord> partial = Replay(holes).records;
      told += partial.size();
      real_records += real.size();
      const std::string wrong = WrongIn(partial, real);
      if (wrong.empty()) continue;
      std::string events;
      for (const Event& event : holes.events) {
        events += fmt::format("{} {} {} +{} {}\n", event.flow == base::Flow::kRequest ? '>' : '<',
                              event.ts_ns, event.bytes, event.length,
                              event.kind == Event::Kind::kLost ? "lost" : "");
      }
      ADD_FAILURE() << transcript.name << "\nwrong: " << wrong << "\n" << events;
      break;
    }
  }
  // They are not all given up either.
  EXPECT_GT(told * 3, real_records);
}

TEST(PropertyTest, JoiningLateMakesNoRecordWrong) {
  for (const Transcript& transcript : WholeTranscripts()) {
    if (RepeatsItself(transcript)) continue;
    const std::vector<KeptRecord> real = Replay(transcript).records;
    for (size_t from = 1; from < transcript.events.size(); ++from) {
      Transcript late = transcript;
      late.info.joined_late = true;
      late.events.erase(late.events.begin(),
                        late.events.begin() + static_cast<std::ptrdiff_t>(from));
      EXPECT_EQ(WrongIn(Replay(late).records, real), "")
          << transcript.name << " from event " << from;
    }
  }
}

// On a port that says nothing, a connection is left alone rather than taken for another protocol.
TEST(PropertyTest, JoiningLateOnAnyPortFindsNoOtherProtocol) {
  constexpr uint16_t kNobodysPort = 19;
  for (const Transcript& transcript : WholeTranscripts()) {
    if (transcript.info.transport == base::Transport::kUdp) continue;
    const base::Protocol real = Replay(transcript).protocol;
    for (size_t from = 1; from < transcript.events.size(); ++from) {
      Transcript late = transcript;
      late.info.joined_late = true;
      late.info.local_port = late.info.remote_port = kNobodysPort;
      late.events.erase(late.events.begin(),
                        late.events.begin() + static_cast<std::ptrdiff_t>(from));
      const base::Protocol found = Replay(late).protocol;
      EXPECT_TRUE(found == real || found == base::Protocol::kUnknown)
          << transcript.name << " from event " << from << ": " << base::ProtocolKey(found);
    }
  }
}

TEST(PropertyTest, MemoryOfAConnectionIsBounded) {
  std::mt19937_64 random(5);
  for (const Transcript& transcript : WholeTranscripts()) {
    // One chunk after another, in pieces, a thousand times over.
    Transcript many = transcript;
    for (int i = 0; i < 200; ++i) {
      many.events.insert(many.events.end(), transcript.events.begin(), transcript.events.end());
    }
    EXPECT_LT(Replay(Cut(many, 50, random)).most_memory_bytes, 512u << 10) << transcript.name;
  }
}

}  // namespace
}  // namespace leadline::tests::protocols
