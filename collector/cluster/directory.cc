#include "collector/cluster/directory.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"

namespace leadline::collector::cluster {
namespace {

// In the place of a hash.
constexpr size_t kUntold = 0;
constexpr size_t kNobody = 1;

}  // namespace

Directory::Directory(Options options, const Clock& clock, prometheus::Registry& registry)
    : options_(options), clock_(clock), metrics_(registry), map_(options.map) {}

size_t Directory::HashOf(const Who& who) {
  if (who.labels.empty()) return kNobody;
  const size_t hash = absl::HashOf(who.labels, who.since_ms);
  return std::max(hash, kNobody + 1);
}

void Directory::Update(absl::FunctionRef<void(ClusterMap& map, int64_t now_ms)> change) {
  Callbacks callbacks;
  {
    MutexLock lock(mutex_);
    const int64_t now_ms = clock_.NowUnixMs();
    change(map_, now_ms);
    for (const IpAddress& address : map_.TakeChanged(now_ms)) {
      const auto askers = askers_.find(address);
      if (askers == askers_.end()) continue;
      for (const auto& [inquiry, port] : askers->second) {
        if (Check({address, port}, *inquiry)) callbacks.push_back(inquiry->on_answers_);
      }
    }
    UpdateGauges();
  }
  for (const auto& on_answers : callbacks) on_answers();
}

void Directory::Expire() {
  Update([this](ClusterMap& map, int64_t now_ms) {
    metrics_.forgotten.Increment(static_cast<double>(map.Expire(now_ms)));
  });
}

bool Directory::Check(const IpEndpoint& endpoint, Inquiry& inquiry) {
  const size_t told = inquiry.asked_.at(endpoint);
  if (HashOf(map_.At(endpoint)) == told) {
    inquiry.due_.erase(endpoint);  // it has changed and changed back
    return false;
  }
  const bool is_first = inquiry.due_.empty();
  inquiry.due_.insert(endpoint);
  return is_first;
}

void Directory::Drop(const IpEndpoint& endpoint, Inquiry& inquiry) {
  inquiry.due_.erase(endpoint);
  const auto askers = askers_.find(endpoint.address);
  askers->second.erase({&inquiry, endpoint.port});
  if (askers->second.empty()) askers_.erase(askers);
  --asked_;
}

void Directory::UpdateGauges() {
  metrics_.of_pods.Set(static_cast<double>(map_.pod_addresses()));
  metrics_.of_nodes.Set(static_cast<double>(map_.node_addresses()));
  metrics_.of_services.Set(static_cast<double>(map_.service_addresses()));
  metrics_.unreadable.Increment(static_cast<double>(map_.unreadable()) -
                                metrics_.unreadable.Value());
  metrics_.asked.Set(static_cast<double>(asked_));
}

std::unique_ptr<Directory::Inquiry> Directory::Inquire(std::shared_ptr<Directory> directory,
                                                       std::function<void()> on_answers) {
  return std::unique_ptr<Inquiry>(new Inquiry(std::move(directory), std::move(on_answers)));
}

Directory::Inquiry::~Inquiry() {
  Directory& directory = *directory_;
  MutexLock lock(directory.mutex_);
  for (const auto& [endpoint, told] : asked_) directory.Drop(endpoint, *this);
  directory.UpdateGauges();
}

size_t Directory::Inquiry::Ask(absl::Span<const IpEndpoint> endpoints) {
  Directory& directory = *directory_;
  size_t refused = 0;
  bool tell = false;
  {
    MutexLock lock(directory.mutex_);
    for (const IpEndpoint& endpoint : endpoints) {
      if (asked_.contains(endpoint)) continue;
      const bool too_many = asked_.size() >= directory.options_.max_asked_each;
      if (too_many || directory.asked_ >= directory.options_.max_asked) {
        (too_many ? directory.metrics_.refused_each : directory.metrics_.refused_all).Increment();
        ++refused;
        continue;
      }
      asked_[endpoint] = kUntold;
      directory.askers_[endpoint.address].insert({this, endpoint.port});
      ++directory.asked_;
      tell |= directory.Check(endpoint, *this);
    }
    directory.UpdateGauges();
  }
  if (tell) on_answers_();
  return refused;
}

void Directory::Inquiry::Forget(absl::Span<const IpEndpoint> endpoints) {
  Directory& directory = *directory_;
  MutexLock lock(directory.mutex_);
  for (const IpEndpoint& endpoint : endpoints) {
    if (asked_.erase(endpoint) > 0) directory.Drop(endpoint, *this);
  }
  directory.UpdateGauges();
}

std::vector<Answer> Directory::Inquiry::Take(size_t max) {
  std::vector<Answer> answers;
  Directory& directory = *directory_;
  MutexLock lock(directory.mutex_);
  while (!due_.empty() && answers.size() < max) {
    const IpEndpoint endpoint = *due_.begin();
    due_.erase(due_.begin());
    Who who = directory.map_.At(endpoint);
    asked_[endpoint] = HashOf(who);
    answers.push_back({endpoint, std::move(who)});
  }
  directory.metrics_.answers.Increment(static_cast<double>(answers.size()));
  return answers;
}

}  // namespace leadline::collector::cluster
