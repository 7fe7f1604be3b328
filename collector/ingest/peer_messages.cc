#include "collector/ingest/peer_messages.h"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include <fmt/format.h>
#include <google/protobuf/repeated_ptr_field.h>

namespace leadline::collector::ingest {
namespace {

MaybeRefusal ReadPeers(const google::protobuf::RepeatedPtrField<v1::PeerAddress>& peers,
                       std::string_view field, std::vector<IpEndpoint>* endpoints) {
  endpoints->reserve(static_cast<size_t>(peers.size()));
  for (const v1::PeerAddress& peer : peers) {
    IpEndpoint endpoint;
    if (peer.address().size() != endpoint.address.size()) {
      return Invalid(Reason::kPeer,
                     fmt::format("peer_questions: {}: an address has {} bytes, not 16", field,
                                 peer.address().size()));
    }
    if (peer.port() > std::numeric_limits<uint16_t>::max()) {
      return Invalid(Reason::kPeer,
                     fmt::format("peer_questions: {}: {} is no port", field, peer.port()));
    }
    std::copy(peer.address().begin(), peer.address().end(), endpoint.address.begin());
    endpoint.port = static_cast<uint16_t>(peer.port());
    endpoints->push_back(endpoint);
  }
  return std::nullopt;
}

// The strings of a message, each once. Views into what outlives it.
class PeerTexts {
 public:
  explicit PeerTexts(v1::PeerAnswers& message) : message_(message) {}

  uint32_t IndexOf(std::string_view text) {
    const auto [it, is_new] = indices_.try_emplace({text.data(), text.size()}, 0);
    if (is_new) {
      message_.add_strings(text.data(), text.size());
      it->second = static_cast<uint32_t>(message_.strings_size());
    }
    return it->second;
  }

 private:
  v1::PeerAnswers& message_;
  absl::flat_hash_map<absl::string_view, uint32_t> indices_;
};

}  // namespace

MaybeRefusal ReadPeerQuestions(const v1::PeerQuestions& message, PeerQuestions* questions) {
  if (auto refusal = ReadPeers(message.asked(), "asked", &questions->asked)) return refusal;
  return ReadPeers(message.forgotten(), "forgotten", &questions->forgotten);
}

v1::CollectorMessage PeerAnswersMessage(absl::Span<const cluster::Answer> answers) {
  v1::CollectorMessage message;
  v1::PeerAnswers& told = *message.mutable_peer_answers();
  PeerTexts texts(told);
  for (const cluster::Answer& answer : answers) {
    v1::PeerAnswer& one = *told.add_answers();
    const IpAddress& address = answer.endpoint.address;
    one.mutable_peer()->set_address(address.data(), address.size());
    one.mutable_peer()->set_port(answer.endpoint.port);
    for (const Label& label : answer.who.labels) {
      one.add_labels(texts.IndexOf(label.name));
      one.add_labels(texts.IndexOf(label.value));
    }
    one.set_since_unix_ms(answer.who.since_ms);
  }
  return message;
}

}  // namespace leadline::collector::ingest
