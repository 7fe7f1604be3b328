#include "collector/remote/write/rejections.h"

#include <iterator>
#include <numeric>
#include <utility>

#include <fmt/format.h>

namespace leadline::collector::remote::write {

void Rejections::Add(Reason reason, size_t samples, std::string_view text) {
  counts_[static_cast<size_t>(reason)] += samples;
  if (WantsText(reason)) AddText(reason, text);
}

void Rejections::AddText(Reason reason, std::string_view text) {
  std::string& all = texts_[static_cast<size_t>(reason)];
  if (!all.empty()) all += "; ";
  all += text;
}

void Rejections::AddSeries(size_t samples, const store::Refusals& refusals) {
  counts_[static_cast<size_t>(Reason::kLimit)] += samples;
  for (size_t i = 0; i < store::kRefusalReasons; ++i) {
    const auto refused_for = static_cast<store::RefusedFor>(i);
    if (refusals.count(refused_for) == 0) continue;
    AddText(Reason::kLimit, refusals.text(refused_for));  // each limit by its name
  }
}

void Rejections::AddSamples(const store::Refusals& refusals) {
  constexpr std::pair<store::RefusedFor, Reason> kOfTime[] = {
      {store::RefusedFor::kTooFarAhead, Reason::kTooNew},
      {store::RefusedFor::kTooLate, Reason::kTooLate},
      {store::RefusedFor::kTooOld, Reason::kTooOld}};
  for (const auto& [refused_for, reason] : kOfTime) {
    if (refusals.count(refused_for) == 0) continue;
    Add(reason, refusals.count(refused_for), refusals.text(refused_for));
  }
}

size_t Rejections::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), size_t{0});
}

std::string Rejections::ToString() const {
  const size_t all = total();
  std::string text = fmt::format("{} samples were not taken: ", all);
  bool is_first = true;
  for (size_t i = 0; i < kReasons; ++i) {
    if (counts_[i] == 0) continue;
    if (!std::exchange(is_first, false)) text += "; ";
    if (counts_[i] < all)
      fmt::format_to(std::back_inserter(text), "{} ({}): ", counts_[i], kReasonNames[i]);
    text += texts_[i];
  }
  return text;
}

}  // namespace leadline::collector::remote::write
