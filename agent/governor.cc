#include "agent/governor.h"

#include <algorithm>
#include <cmath>

namespace leadline::agent {

int Governor::Update(double used_cpus) {
  if (since_down_ != kHeld && ++since_down_ == kMostPatience) {
    since_down_ = kHeld;
    patience_ = kPatience;
  }
  if (used_cpus > limit_cpus_) {
    if (step_ == last_step_) return step_;
    // It was the last step down that was too much.
    if (since_down_ != kHeld && since_down_ <= kPatience) {
      patience_ = std::min(2 * patience_, kMostPatience);
    }
    since_down_ = kHeld;
    const int halvings = static_cast<int>(std::ceil(std::log2(used_cpus / limit_cpus_)));
    step_ = std::min(step_ + std::clamp(halvings, 1, last_step_), last_step_);
    calm_ = 0;
    return step_;
  }
  if (used_cpus >= limit_cpus_ / 2 || step_ == 0) {
    calm_ = 0;
    return step_;
  }
  if (++calm_ < patience_) return step_;
  calm_ = 0;
  since_down_ = 0;
  return --step_;
}

}  // namespace leadline::agent
