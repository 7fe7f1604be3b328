#include "agent/export/peer_exchange.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "common/ip_address.h"

namespace leadline::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

IpEndpoint At(const std::string& address, uint16_t port = 80) {
  return {*ParseIpAddress(address), port};
}

// "+ADDRESS" of what is asked for and "-ADDRESS" of what is forgotten in the next message.
std::vector<std::string> Next(PeerExchange& peers) {
  v1::PeerQuestions message;
  if (peers.has_questions()) peers.TakeQuestions(&message);
  std::vector<std::string> questions;
  const auto add = [&](const char* sign, const v1::PeerAddress& peer) {
    IpAddress address;
    std::copy(peer.address().begin(), peer.address().end(), address.begin());
    questions.push_back(sign + ToText(address));
  };
  for (const auto& peer : message.asked()) add("+", peer);
  for (const auto& peer : message.forgotten()) add("-", peer);
  std::sort(questions.begin(), questions.end());
  return questions;
}

// Of 10.0.0.1:80.
v1::PeerAnswers Answers(const std::string& rest) {
  v1::PeerAnswers message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "strings: 'peer_type' strings: 'pod' answers { peer { port: 80 } " + rest + " }", &message));
  const IpAddress address = *ParseIpAddress("10.0.0.1");
  message.mutable_answers(0)->mutable_peer()->set_address(address.data(), address.size());
  return message;
}

TEST(PeerExchange, EachSessionAsksForAllThatIsOfInterest) {
  PeerExchange peers;
  peers.Ask({.asked = {At("10.0.0.1"), At("10.0.0.2")}});
  EXPECT_THAT(Next(peers), IsEmpty()) << "there is no session";
  peers.BeginSession(true);
  EXPECT_THAT(Next(peers), ElementsAre("+10.0.0.1", "+10.0.0.2"));
  EXPECT_THAT(Next(peers), IsEmpty());
  peers.Ask({.asked = {At("10.0.0.3"), At("10.0.0.1")}, .forgotten = {At("10.0.0.2")}});
  EXPECT_THAT(Next(peers), ElementsAre("+10.0.0.3", "-10.0.0.2"));
  peers.BeginSession(true);
  EXPECT_THAT(Next(peers), ElementsAre("+10.0.0.1", "+10.0.0.3"));
  peers.BeginSession(false);
  peers.Ask({.asked = {At("10.0.0.4")}, .forgotten = {At("10.0.0.1")}});
  EXPECT_THAT(Next(peers), IsEmpty()) << "a collector that does not answer";
  peers.BeginSession(true);
  EXPECT_THAT(Next(peers), ElementsAre("+10.0.0.3", "+10.0.0.4"));
}

TEST(PeerExchange, WhatIsForgottenBeforeItWasAskedForIsNotAskedFor) {
  PeerExchange peers;
  peers.BeginSession(true);
  peers.Ask({.asked = {At("10.0.0.1")}});
  peers.Ask({.asked = {}, .forgotten = {At("10.0.0.1"), At("10.0.0.9")}});
  EXPECT_THAT(Next(peers), ElementsAre("-10.0.0.1"));
}

TEST(PeerExchange, ManyTakeSeveralMessages) {
  PeerExchange peers;
  PeerQuestions questions;
  for (uint16_t port = 1; port <= 10'000; ++port) questions.asked.push_back(At("10.0.0.1", port));
  peers.BeginSession(true);
  peers.Ask(questions);
  size_t asked = 0;
  int messages = 0;
  for (; peers.has_questions(); ++messages) {
    v1::PeerQuestions message;
    peers.TakeQuestions(&message);
    EXPECT_LT(message.ByteSizeLong(), 1 << 20);
    asked += static_cast<size_t>(message.asked_size());
  }
  EXPECT_EQ(asked, 10'000);
  EXPECT_EQ(messages, 3);
}

TEST(PeerExchange, TheLastAnswerIsTaken) {
  PeerExchange peers;
  peers.BeginSession(true);
  peers.Ask({.asked = {At("10.0.0.1"), At("10.0.0.1", 443)}});
  ASSERT_TRUE(peers.OnAnswers(Answers("")).ok());
  ASSERT_TRUE(peers.OnAnswers(Answers("labels: [1, 2] since_unix_ms: 77")).ok());
  const std::vector<PeerAnswer> answers = peers.TakeAnswers(10);
  ASSERT_EQ(answers.size(), 1);
  EXPECT_EQ(answers[0].endpoint, At("10.0.0.1"));
  EXPECT_THAT(answers[0].labels, ElementsAre(Label{"peer_type", "pod"}));
  EXPECT_EQ(answers[0].since_ms, 77);
  EXPECT_THAT(peers.TakeAnswers(10), IsEmpty());
}

TEST(PeerExchange, AnswersToWhatIsNotAskedAreNotKept) {
  PeerExchange peers;
  peers.BeginSession(true);
  ASSERT_TRUE(peers.OnAnswers(Answers("")).ok());
  EXPECT_THAT(peers.TakeAnswers(10), IsEmpty());
  peers.Ask({.asked = {At("10.0.0.1")}});
  ASSERT_TRUE(peers.OnAnswers(Answers("")).ok());
  peers.Ask({.asked = {}, .forgotten = {At("10.0.0.1")}});
  EXPECT_THAT(peers.TakeAnswers(10), IsEmpty());
}

TEST(PeerExchange, AnswersAreTakenAFewAtATime) {
  PeerExchange peers;
  peers.BeginSession(true);
  peers.Ask({.asked = {At("10.0.0.1")}});
  ASSERT_TRUE(peers.OnAnswers(Answers("")).ok());
  EXPECT_THAT(peers.TakeAnswers(0), IsEmpty());
  EXPECT_EQ(peers.TakeAnswers(1).size(), 1);
}

TEST(PeerExchange, AnswersThatAreNoneAreRefused) {
  PeerExchange peers;
  peers.BeginSession(true);
  peers.Ask({.asked = {At("10.0.0.1")}});
  for (const char* labels : {"labels: [0, 1]", "labels: [1, 3]"}) {
    EXPECT_EQ(peers.OnAnswers(Answers(labels)).message(),
              "peer_answers: labels: an index of no string");
  }
  v1::PeerAnswers no_address;
  no_address.add_answers()->mutable_peer()->set_address("1234");
  EXPECT_EQ(peers.OnAnswers(no_address).message(), "peer_answers: peer: no address with a port");
  v1::PeerAnswers no_port = Answers("");
  no_port.mutable_answers(0)->mutable_peer()->set_port(65'536);
  EXPECT_EQ(peers.OnAnswers(no_port).message(), "peer_answers: peer: no address with a port");
}

}  // namespace
}  // namespace leadline::agent
