// What an agent sends, behind the Hello: messages with kBetween between them. What ingest takes,
// the store takes too, and its log gives it back.
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <prometheus/registry.h>

#include "collector/ingest/limits.h"
#include "collector/ingest/messages.h"
#include "collector/ingest/peer_messages.h"
#include "collector/ingest/session_tables.h"
#include "collector/ingest/translate.h"
#include "collector/store/engine/admission.h"
#include "collector/store/engine/limits.h"
#include "collector/store/engine/tenants.h"
#include "collector/store/head/head.h"
#include "collector/store/log/record.h"
#include "collector/store/refusals.h"
#include "common/clock.h"
#include "common/zstd/stream.h"
#include "leadline/v1/ingest.pb.h"

namespace {

namespace ingest = leadline::collector::ingest;
namespace store = leadline::collector::store;

// No valid message has it where a field begins, and mutations that lengthen one leave the rest
// whole.
constexpr std::string_view kBetween = "\xff\xff\xff\xff";
constexpr std::string_view kTenant = "t";
constexpr int64_t kNewestMs = 1'700'000'000'000;
constexpr ingest::Limits kLimits{.max_entities = 1 << 10, .max_series = 1 << 12};

// Without limits but those of the formats: those of counts would hold from one input to the next.
store::engine::Tenants& AllTenants() {
  static prometheus::Registry registry;
  static store::engine::Tenants tenants(
      {.max_series = 0, .max_new_series_a_minute = 0, .max_samples_a_second = 0}, {},
      leadline::SystemClock(), registry);
  return tenants;
}

class Session {
 public:
  // False when the message ends the session.
  bool Take(const leadline::v1::AgentMessage& message) {
    if (message.has_compressed()) {
      google::protobuf::Arena arena;
      const leadline::v1::AgentMessage* inner = nullptr;
      size_t bytes = 0;
      if (ingest::Expand(message, kLimits.max_message_bytes, compressed_, arena, &inner, &bytes)) {
        return false;
      }
      if (inner->has_compressed() || bytes > kLimits.max_message_bytes) abort();
      return Take(*inner);
    }
    if (message.has_peer_questions()) return Ask(message.peer_questions());
    if (message.has_definitions()) return Define(message.definitions());
    return !message.has_batch() || Append(message.batch());
  }

 private:
  bool Ask(const leadline::v1::PeerQuestions& message) {
    ingest::PeerQuestions questions;
    if (ingest::ReadPeerQuestions(message, &questions)) return false;
    if (questions.asked.size() != static_cast<size_t>(message.asked_size())) abort();
    if (questions.forgotten.size() != static_cast<size_t>(message.forgotten_size())) abort();
    return true;
  }

  bool Define(const leadline::v1::Definitions& definitions) {
    ingest::SessionTables::Unresolved unresolved;
    if (tables_.Define(definitions, &unresolved)) return false;
    store::Refusals refusals;
    const auto handles = admission_.ResolveEach(kTenant, unresolved.series, refusals);
    if (!refusals.empty()) abort();
    tables_.SetHandles(unresolved.refs, handles);
    return true;
  }

  bool Append(const leadline::v1::Batch& message) {
    store::WriteBatch batch;
    uint64_t samples = 0;
    if (ingest::Translate(message, kNewestMs, tables_, &batch, &samples)) return false;
    if (!store::engine::CheckBatch(batch).ok()) abort();
    std::string payload;
    store::log::AppendRecord(kTenant, batch, payload);
    std::vector<store::log::Record> records;
    if (!store::log::ReadRecords(payload, records).ok() || records.size() != 1) abort();
    auto& read = std::get<store::log::BatchRecord>(records[0]).batch;
    if (read.entities != batch.entities || read.series != batch.series) abort();
    head_.Append(kTenant, std::move(read), 0);
    return true;
  }

  leadline::zstd::Decompressor compressed_{kLimits.zstd_window_log};
  ingest::SessionTables tables_{kLimits};
  store::head::Head head_{2};
  store::engine::Admission admission_{head_, AllTenants(), leadline::SystemClock(), {}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  Session session;
  bool open = true;
  while (open && !rest.empty()) {
    const size_t end = std::min(rest.find(kBetween), rest.size());
    leadline::v1::AgentMessage message;
    open = message.ParseFromArray(rest.data(), static_cast<int>(end)) && session.Take(message);
    rest.remove_prefix(std::min(end + kBetween.size(), rest.size()));
  }
  return 0;
}
