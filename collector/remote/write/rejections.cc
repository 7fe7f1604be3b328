#include "collector/remote/write/rejections.h"

#include <numeric>

#include <fmt/format.h>

namespace leadline::collector::remote::write {

void Rejections::Add(Reason reason, size_t samples, std::string_view text) {
  counts_[static_cast<size_t>(reason)] += samples;
  if (!WantsText() || text.empty()) return;
  if (texts_++ > 0) text_ += "; ";
  text_ += text;
}

size_t Rejections::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), size_t{0});
}

std::string Rejections::ToString() const {
  return fmt::format("{} samples were not taken: {}{}", total(), text_,
                     WantsText() ? "" : "; and maybe others");
}

}  // namespace leadline::collector::remote::write
