// Threads that take turns at a server's input and output, which is the leader/followers pattern.
//
// One of them leads: it runs the io_context. When something of that gives it a task it passes the
// lead to another thread and runs the task itself, so that a request is read and answered by one
// thread, and wakes nobody whom its client would wait for. The thread that ended its task last
// leads next: its memory and stack are still in the processor's caches.
//
// Bounds: of each kind of tasks so many run at a time, the others wait in the order of their
// coming; so those of one kind never keep the others waiting. What waits is bounded by who posts.
// Threading: see each method. Source: Schmidt et al., "Leader/Followers", PLoP 2000.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "common/http/router.h"
#include "common/mutex.h"

namespace leadline::http {

class LeaderFollowers {
 public:
  using Task = std::function<void()>;
  using ByLoad = std::array<size_t, kLoads>;

  // `most`: tasks that run at a time. The io_context outlives it, and nobody else runs it.
  LeaderFollowers(boost::asio::io_context& io, const ByLoad& most);
  // REQUIRES: joined, or the io_context has no work left.
  ~LeaderFollowers();
  LeaderFollowers(const LeaderFollowers&) = delete;
  LeaderFollowers& operator=(const LeaderFollowers&) = delete;

  // Makes the threads, one more than tasks may run. Throws what std::thread does.
  void Start() ABSL_LOCKS_EXCLUDED(mutex_);

  // From the io_context's handlers. Until it has run, a task must be work of the io_context.
  void Post(Load load, Task task) ABSL_LOCKS_EXCLUDED(mutex_);

  // Waits until the io_context has run out of work. Not from its handlers, nor from tasks.
  void Join() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Thread {
    CondVar leads_now;
    bool leads = false;
    std::thread thread;
  };
  struct Kind {
    size_t most = 0;
    size_t running = 0;
    std::deque<Task> waiting;
  };
  // A task that counts as running.
  struct Turn {
    Load load;
    Task task;
  };

  void Run(Thread& self) ABSL_LOCKS_EXCLUDED(mutex_);
  // False when all is over.
  bool AwaitLead(Thread& self) ABSL_LOCKS_EXCLUDED(mutex_);
  // Until there is a task to run, for which the lead is passed on, or the io_context has no work.
  std::optional<Turn> Lead(Thread& self) ABSL_LOCKS_EXCLUDED(mutex_);
  // The task that waits for the end of this one; else the thread is idle.
  std::optional<Turn> After(Load load, Thread& self) ABSL_LOCKS_EXCLUDED(mutex_);
  // Whichever may run.
  std::optional<Turn> TakeAny() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<Turn> TakeOf(Load load) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeLeader() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void End() ABSL_LOCKS_EXCLUDED(mutex_);

  boost::asio::io_context& io_;
  Mutex mutex_;
  std::array<Kind, kLoads> kinds_ ABSL_GUARDED_BY(mutex_);
  std::vector<Thread*> idle_ ABSL_GUARDED_BY(mutex_);  // the last one leads next
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace leadline::http
