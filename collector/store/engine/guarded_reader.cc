#include "collector/store/engine/guarded_reader.h"

#include <memory>
#include <utility>

namespace leadline::collector::store::engine {
namespace {

const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& answer) {
  return answer.status();
}

// Each time that it is asked again there is a window less, so that this ends.
template <typename Ask>
auto AskAround(WindowSet& windows, Ask ask) {
  auto answer = ask();
  while (!answer.ok() && windows.HideDamaged(StatusOf(answer))) answer = ask();
  return answer;
}

// Hides a window that turns out to be damaged when it is read.
class GuardedSelection final : public Selection {
 public:
  GuardedSelection(std::unique_ptr<Selection> selection, WindowSet& windows)
      : selection_(std::move(selection)), windows_(windows) {}

  size_t size() const override { return selection_->size(); }
  absl::Status Read(size_t first, size_t count, UseBlock use) const override {
    absl::Status read = selection_->Read(first, count, use);
    if (!read.ok()) windows_.HideDamaged(read);
    return read;
  }
  ReadCounts counts() const override { return selection_->counts(); }
  uint64_t held_bytes() const override { return selection_->held_bytes(); }

 private:
  const std::unique_ptr<Selection> selection_;
  WindowSet& windows_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Selection>> GuardedReader::Find(std::string_view tenant,
                                                               absl::Span<const Matcher> matchers,
                                                               const SelectHints& hints) const {
  auto found = AskAround(windows_, [&] { return reader_.Find(tenant, matchers, hints); });
  if (!found.ok()) return found;
  return std::make_unique<GuardedSelection>(*std::move(found), windows_);
}

absl::Status GuardedReader::UseLabelNames(std::string_view tenant, const SeriesFilter& filter,
                                          TakeTexts take) const {
  return AskAround(windows_, [&] { return reader_.UseLabelNames(tenant, filter, take); });
}

absl::Status GuardedReader::UseLabelValues(std::string_view tenant, std::string_view name,
                                           const SeriesFilter& filter, TakeTexts take) const {
  return AskAround(windows_, [&] { return reader_.UseLabelValues(tenant, name, filter, take); });
}

absl::Status GuardedReader::UseSeries(std::string_view tenant, const SeriesFilter& filter,
                                      TakeSeries take) const {
  return AskAround(windows_, [&] { return reader_.UseSeries(tenant, filter, take); });
}

absl::StatusOr<std::vector<model::EntityVersion>> GuardedReader::EntitiesAt(std::string_view tenant,
                                                                            int64_t t_ms) const {
  return AskAround(windows_, [&] { return reader_.EntitiesAt(tenant, t_ms); });
}

absl::StatusOr<std::vector<model::Record>> GuardedReader::Records(
    std::string_view tenant, const RecordFilter& filter) const {
  return AskAround(windows_, [&] { return reader_.Records(tenant, filter); });
}

std::vector<std::string> GuardedReader::Gaps(int64_t start_ms, int64_t end_ms) const {
  std::vector<std::string> gaps = windows_.Gaps(start_ms, end_ms);
  for (std::string& text : log_gaps_.Texts(start_ms, end_ms)) gaps.push_back(std::move(text));
  return gaps;
}

}  // namespace leadline::collector::store::engine
