#include "agent/export/peer_exchange.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace leadline::agent {
namespace {

// Some 100 KiB, of the 1 MiB that every collector takes.
constexpr size_t kQuestionsAtOnce = 4096;

void AddPeer(const IpEndpoint& endpoint, v1::PeerAddress* peer) {
  peer->set_address(endpoint.address.data(), endpoint.address.size());
  peer->set_port(endpoint.port);
}

std::optional<IpEndpoint> PeerOf(const v1::PeerAddress& peer) {
  IpEndpoint endpoint;
  if (peer.address().size() != endpoint.address.size() ||
      peer.port() > std::numeric_limits<uint16_t>::max()) {
    return std::nullopt;
  }
  std::copy(peer.address().begin(), peer.address().end(), endpoint.address.begin());
  endpoint.port = static_cast<uint16_t>(peer.port());
  return endpoint;
}

}  // namespace

void PeerExchange::Ask(const PeerQuestions& questions) {
  for (const IpEndpoint& endpoint : questions.forgotten) {
    if (asked_.erase(endpoint) == 0) continue;
    answers_.erase(endpoint);
    if (answered_) forgotten_.push_back(endpoint);
  }
  for (const IpEndpoint& endpoint : questions.asked) {
    if (asked_.insert(endpoint).second && answered_) untold_.push_back(endpoint);
  }
}

std::vector<PeerAnswer> PeerExchange::TakeAnswers(size_t max) {
  std::vector<PeerAnswer> taken;
  while (!answers_.empty() && taken.size() < max) {
    taken.push_back(std::move(answers_.extract(answers_.begin()).mapped()));
  }
  return taken;
}

void PeerExchange::BeginSession(bool answered) {
  answered_ = answered;
  forgotten_.clear();
  untold_.clear();
  if (answered) untold_.assign(asked_.begin(), asked_.end());
}

void PeerExchange::TakeQuestions(v1::PeerQuestions* message) {
  size_t room = kQuestionsAtOnce;
  // What is forgotten goes first: it may be asked for again behind that.
  for (; !forgotten_.empty() && room > 0; --room) {
    AddPeer(forgotten_.back(), message->add_forgotten());
    forgotten_.pop_back();
  }
  for (; !untold_.empty() && room > 0; --room) {
    if (asked_.contains(untold_.back())) AddPeer(untold_.back(), message->add_asked());
    untold_.pop_back();
  }
}

absl::Status PeerExchange::OnAnswers(const v1::PeerAnswers& message) {
  for (const v1::PeerAnswer& told : message.answers()) {
    const std::optional<IpEndpoint> endpoint = PeerOf(told.peer());
    if (!endpoint) return absl::InvalidArgumentError("peer_answers: peer: no address with a port");
    PeerAnswer answer{.endpoint = *endpoint, .since_ms = told.since_unix_ms()};
    const auto text = [&](int index) -> const std::string* {
      const uint32_t string = told.labels(index);
      return string == 0 || string > static_cast<uint32_t>(message.strings_size())
                 ? nullptr
                 : &message.strings(static_cast<int>(string) - 1);
    };
    for (int i = 0; i + 1 < told.labels_size(); i += 2) {
      const std::string* name = text(i);
      const std::string* value = text(i + 1);
      if (name == nullptr || value == nullptr) {
        return absl::InvalidArgumentError("peer_answers: labels: an index of no string");
      }
      answer.labels.push_back({*name, *value});
    }
    if (asked_.contains(*endpoint)) answers_[*endpoint] = std::move(answer);
  }
  return absl::OkStatus();
}

}  // namespace leadline::agent
