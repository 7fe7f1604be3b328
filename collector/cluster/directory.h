// Answers who has which addresses, now and whenever that changes.
//
//   auto inquiry = Directory::Inquire(directory, [] { ... });  // there are answers to Take
//   inquiry->Ask(endpoints);
//   for (const Answer& answer : inquiry->Take(1000)) ...
//
// Who asks is told at once, also that nobody is known, and of every change until it forgets: what
// was told last is what holds.
//
// Bounds: Options; what is beyond is refused and counted. Threading: all methods may be called from
// any thread, of an inquiry too. `on_answers` is called from any of them, without a lock of ours,
// and perhaps once more while its inquiry is ended. Ownership: the clock and the registry outlive
// the directory, which outlives its inquiries by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/types/span.h"

#include "collector/cluster/cluster_map.h"
#include "collector/cluster/cluster_metrics.h"
#include "collector/cluster/who.h"
#include "common/clock.h"
#include "common/ip_endpoint.h"
#include "common/mutex.h"

namespace leadline::collector::cluster {

struct Answer {
  IpEndpoint endpoint;
  Who who;
};

class Directory {
 public:
  struct Options {
    ClusterMap::Options map;
    size_t max_asked_each = 65'536;  // by an inquiry
    size_t max_asked = 1 << 20;      // by all
  };

  class Inquiry {
   public:
    ~Inquiry();
    Inquiry(const Inquiry&) = delete;
    Inquiry& operator=(const Inquiry&) = delete;

    // How many of them were refused. Again is nothing new.
    size_t Ask(absl::Span<const IpEndpoint> endpoints);
    void Forget(absl::Span<const IpEndpoint> endpoints);
    // At most `max` answers; none twice.
    std::vector<Answer> Take(size_t max);

   private:
    friend class Directory;
    Inquiry(std::shared_ptr<Directory> directory, std::function<void()> on_answers)
        : directory_(std::move(directory)), on_answers_(std::move(on_answers)) {}

    const std::shared_ptr<Directory> directory_;
    const std::function<void()> on_answers_;
    // Guarded by the directory's mutex. What was told last, as a hash.
    absl::flat_hash_map<IpEndpoint, size_t> asked_;
    absl::flat_hash_set<IpEndpoint> due_;
  };

  Directory(Options options, const Clock& clock, prometheus::Registry& registry);

  // Changes the map, and tells who has asked for what is different then.
  void Update(absl::FunctionRef<void(ClusterMap& map, int64_t now_ms)> change)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Forgets what ended long ago; to be called now and then.
  void Expire() ABSL_LOCKS_EXCLUDED(mutex_);

  static std::unique_ptr<Inquiry> Inquire(std::shared_ptr<Directory> directory,
                                          std::function<void()> on_answers);

 private:
  using Asker = std::pair<Inquiry*, uint16_t>;  // with the port
  using Callbacks = std::vector<std::function<void()>>;

  static size_t HashOf(const Who& who);
  // Notes the answer if it is another than the last; true when it is the first that is due.
  bool Check(const IpEndpoint& endpoint, Inquiry& inquiry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Drop(const IpEndpoint& endpoint, Inquiry& inquiry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void UpdateGauges() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const Clock& clock_;
  ClusterMetrics metrics_;

  Mutex mutex_;
  ClusterMap map_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<IpAddress, absl::flat_hash_set<Asker>> askers_ ABSL_GUARDED_BY(mutex_);
  size_t asked_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace leadline::collector::cluster
