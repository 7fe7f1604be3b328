// Forwards loopback connections to a port that may change, and breaks them at the test's word: so a
// collector can be "restarted" elsewhere while its agents keep their address. Thread-safe.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "common/mutex.h"

namespace leadline::collector::ingest {

class TcpProxy {
 public:
  TcpProxy();
  ~TcpProxy();

  int port() const { return port_; }
  // Where new connections go; 0: they are closed at once.
  void SetTarget(int port);
  // Breaks every connection.
  void Cut();
  // While set, what the target sends is swallowed: acknowledgements are lost.
  void SwallowAnswers(bool swallow) { swallow_ = swallow; }
  // Breaks every connection towards the client and leaves the target without a word of it.
  void Abandon();

 private:
  struct Link {
    int client = -1;
    int target = -1;
  };
  void Run();
  void Accept();
  bool Forward(int from, int to, bool swallow);
  void Wake();
  void Ask(std::atomic<int>& wish);
  void Break();

  int listener_ = -1;
  int wake_[2] = {-1, -1};
  int port_ = 0;
  std::atomic<int> target_port_ = 0;
  std::atomic<bool> swallow_ = false;
  std::atomic<bool> stop_ = false;
  // Asked for, and done.
  std::atomic<int> cuts_ = 0;
  std::atomic<int> abandons_ = 0;
  std::atomic<int> breaks_done_ = 0;
  std::vector<Link> links_;     // of the thread
  std::vector<int> abandoned_;  // of the thread
  std::thread thread_;
};

}  // namespace leadline::collector::ingest
