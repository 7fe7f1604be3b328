// What the tests of the Kubernetes client share.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "common/mutex.h"
#include "kube/backoff.h"
#include "kube/reflector.h"

namespace leadline::kube {

// The value of a counter or gauge; 0 where there is none.
inline double MetricValue(const prometheus::Registry& registry, const std::string& name,
                          const std::string& label = "", const std::string& value = "") {
  for (const auto& family : registry.Collect()) {
    if (family.name != name) continue;
    for (const auto& metric : family.metric) {
      for (const auto& pair : metric.label) {
        if (pair.name == label && pair.value == value) {
          return metric.counter.value + metric.gauge.value;
        }
      }
      if (label.empty()) return metric.counter.value + metric.gauge.value;
    }
  }
  return 0;
}

// Does not wait; keeps what it was asked for. With `hold` it waits until it is stopped.
class FakePauser final : public Pauser {
 public:
  struct Log {
    Mutex mutex;
    CondVar changed;
    std::vector<int64_t> pauses_ms ABSL_GUARDED_BY(mutex);

    std::vector<int64_t> Pauses() ABSL_LOCKS_EXCLUDED(mutex) {
      MutexLock lock(mutex);
      return pauses_ms;
    }
    void WaitForPauses(size_t count) ABSL_LOCKS_EXCLUDED(mutex) {
      MutexLock lock(mutex);
      while (pauses_ms.size() < count) changed.Wait(mutex);
    }
  };

  explicit FakePauser(Log& log, bool hold = false) : log_(log), hold_(hold) {}

  bool Wait(int64_t ms) override {
    MutexLock lock(log_.mutex);
    log_.pauses_ms.push_back(ms);
    log_.changed.NotifyAll();
    while (hold_ && !stopped_) log_.changed.Wait(log_.mutex);
    return !stopped_;
  }
  void Stop() override {
    MutexLock lock(log_.mutex);
    stopped_ = true;
    log_.changed.NotifyAll();
  }

 private:
  Log& log_;
  const bool hold_;
  bool stopped_ = false;  // under log_.mutex
};

}  // namespace leadline::kube
