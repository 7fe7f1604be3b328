// What of a request was not taken, and why: counted by reason, the first of each in words.
//
// The rest of the request is taken all the same. A plain value; not synchronized.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "collector/store/refusals.h"

namespace leadline::collector::remote::write {

enum class Reason : uint8_t {
  kLabels,          // labels that no series can have
  kLimit,           // a new series over a limit, or labels over the store's
  kTooOld,          // older than what is kept
  kTooLate,         // older than others' samples may be
  kTooNew,          // too far ahead of the clock
  kHistogram,       // a histogram that is none
  kUntranslatable,  // what has no form here, as delta temporality
};
inline constexpr size_t kReasons = static_cast<size_t>(Reason::kUntranslatable) + 1;
inline constexpr std::array<const char*, kReasons> kReasonNames = {
    "labels", "limit", "too_old", "too_late", "too_new", "histogram", "untranslatable"};
static_assert(kReasonNames.back() != nullptr, "every reason has a name");

class Rejections {
 public:
  // `samples` of them at once; of the texts of a reason the first is kept.
  void Add(Reason reason, size_t samples, std::string_view text);
  // Samples of series that the store refused; and what it then refused of the others.
  void AddSeries(size_t samples, const store::Refusals& refusals);
  void AddSamples(const store::Refusals& refusals);

  // Whether it is worth making a text of one more.
  bool WantsText(Reason reason) const { return texts_[static_cast<size_t>(reason)].empty(); }

  size_t count(Reason reason) const { return counts_[static_cast<size_t>(reason)]; }
  size_t total() const;
  // "2 samples were not taken: …", and where there are several reasons how many of each: "3 samples
  // were not taken: 2 (labels): …; 1 (too_old): …". REQUIRES: total() > 0.
  std::string ToString() const;

 private:
  void AddText(Reason reason, std::string_view text);

  std::array<size_t, kReasons> counts_{};
  std::array<std::string, kReasons> texts_;
};

}  // namespace leadline::collector::remote::write
