#include "common/http/leader_followers.h"

#include <numeric>
#include <utility>

namespace leadline::http {
namespace {

size_t PlaceOf(Load load) { return static_cast<size_t>(load); }

}  // namespace

LeaderFollowers::LeaderFollowers(boost::asio::io_context& io, const ByLoad& most) : io_(io) {
  for (size_t i = 0; i < kLoads; ++i) kinds_[i].most = most[i];
  // All tasks, and the one that leads meanwhile.
  const size_t threads = std::accumulate(most.begin(), most.end(), size_t{1});
  for (size_t i = 0; i < threads; ++i) {
    threads_.push_back(std::make_unique<Thread>());
    idle_.push_back(threads_.back().get());
  }
}

LeaderFollowers::~LeaderFollowers() {
  End();
  Join();
}

void LeaderFollowers::Start() {
  for (const auto& thread : threads_) {
    thread->thread = std::thread([this, &self = *thread] { Run(self); });
  }
  MutexLock lock(mutex_);
  MakeLeader();
}

void LeaderFollowers::Post(Load load, Task task) {
  MutexLock lock(mutex_);
  kinds_[PlaceOf(load)].waiting.push_back(std::move(task));
}

void LeaderFollowers::Join() {
  for (const auto& thread : threads_) {
    if (thread->thread.joinable()) thread->thread.join();
  }
}

void LeaderFollowers::Run(Thread& self) {
  while (AwaitLead(self)) {
    std::optional<Turn> turn = Lead(self);
    if (!turn.has_value()) return End();
    while (turn.has_value()) {
      std::exchange(turn->task, nullptr)();
      turn = After(turn->load, self);
    }
  }
}

bool LeaderFollowers::AwaitLead(Thread& self) {
  MutexLock lock(mutex_);
  while (!self.leads && !over_) self.leads_now.Wait(mutex_);
  return !over_;
}

std::optional<LeaderFollowers::Turn> LeaderFollowers::Lead(Thread& self) {
  do {
    MutexLock lock(mutex_);
    std::optional<Turn> turn = TakeAny();
    if (!turn.has_value()) continue;
    self.leads = false;
    MakeLeader();
    return turn;
  } while (io_.run_one() > 0);
  return std::nullopt;
}

std::optional<LeaderFollowers::Turn> LeaderFollowers::After(Load load, Thread& self) {
  MutexLock lock(mutex_);
  --kinds_[PlaceOf(load)].running;
  std::optional<Turn> turn = TakeOf(load);
  if (!turn.has_value()) idle_.push_back(&self);
  return turn;
}

std::optional<LeaderFollowers::Turn> LeaderFollowers::TakeAny() {
  for (size_t i = 0; i < kLoads; ++i) {
    std::optional<Turn> turn = TakeOf(static_cast<Load>(i));
    if (turn.has_value()) return turn;
  }
  return std::nullopt;
}

std::optional<LeaderFollowers::Turn> LeaderFollowers::TakeOf(Load load) {
  Kind& kind = kinds_[PlaceOf(load)];
  if (kind.waiting.empty() || kind.running == kind.most) return std::nullopt;
  Turn turn{load, std::move(kind.waiting.front())};
  kind.waiting.pop_front();
  ++kind.running;
  return turn;
}

void LeaderFollowers::MakeLeader() {
  Thread& next = *idle_.back();  // there are more threads than tasks may run
  idle_.pop_back();
  next.leads = true;
  next.leads_now.NotifyOne();
}

void LeaderFollowers::End() {
  MutexLock lock(mutex_);
  over_ = true;
  for (const auto& thread : threads_) thread->leads_now.NotifyOne();
}

}  // namespace leadline::http
