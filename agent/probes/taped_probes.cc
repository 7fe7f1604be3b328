#include "agent/probes/taped_probes.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "fmt/format.h"

#include "agent/probes/row_fields.h"
#include "agent/record/rows.h"
#include "agent/record/tape.h"

namespace leadline::agent::probes {
namespace {

using record::RowHandler;
using record::Taped;
using record::TapedRows;
using record::Topic;

// Each answer under its process: what the kernel gives is asked for one process after the other.
class TapedTotals final : public ProcessTotalsSource {
 public:
  explicit TapedTotals(ProcessTotalsSource* kernel) : kernel_(kernel) {}

  absl::Status Read() override {
    found_.clear();
    return Taped(Topic::kProbe, "totals", [this] { return kernel_->Read(); });
  }
  const ProcessTotals* Find(const ProcessIdentity& process) const override {
    // Without a tape there is no need for a copy.
    if (record::Tape::Current() == nullptr) return kernel_->Find(process);
    auto totals =
        Taped(Topic::kProbe, Key("totals", process), [&]() -> std::optional<ProcessTotals> {
          const ProcessTotals* found = kernel_->Find(process);
          if (found == nullptr) return std::nullopt;
          return *found;
        });
    if (!totals) return nullptr;
    std::unique_ptr<ProcessTotals>& kept = found_[process];
    kept = std::make_unique<ProcessTotals>(*totals);
    return kept.get();
  }
  bool Track(const ProcessIdentity& process) override {
    return Taped(
        Topic::kProbe, Key("track", process), [&] { return kernel_->Track(process); }, true);
  }
  std::optional<ProcessTotals> TakeEnded(const ProcessIdentity& process) override {
    return Taped(Topic::kProbe, Key("ended", process), [&] { return kernel_->TakeEnded(process); });
  }
  void DropUnless(absl::FunctionRef<bool(const ProcessIdentity&)> lives) override {
    if (kernel_ != nullptr) kernel_->DropUnless(lives);
  }

 private:
  static std::string Key(const char* what, const ProcessIdentity& process) {
    return fmt::format("{} {}/{}", what, process.pid, process.start_ticks);
  }

  ProcessTotalsSource* const kernel_;  // nullptr in a replay
  // Of this reading, at addresses that stay.
  mutable absl::flat_hash_map<ProcessIdentity, std::unique_ptr<ProcessTotals>> found_;
};

class TapedProbes final : public Probes {
 public:
  explicit TapedProbes(std::unique_ptr<Probes> kernel)
      : kernel_(std::move(kernel)), totals_(kernel_ ? kernel_->process_totals() : nullptr) {
    has_totals_ =
        Taped(Topic::kProbe, "has_totals", [this] { return kernel_->process_totals() != nullptr; });
  }

  const ProbeReport& report() const override { return kernel_ ? kernel_->report() : no_report_; }
  int lifecycle_fd() const override { return kernel_ ? kernel_->lifecycle_fd() : -1; }
  void Forget(uint64_t cgroup_id) override {
    if (kernel_) kernel_->Forget(cgroup_id);
  }
  // Of the agent itself, which rows tell of.
  uint64_t RunTimeNs() const override { return kernel_ ? kernel_->RunTimeNs() : 0; }
  absl::Status SetEffort(const Effort& effort) override {
    return kernel_ ? kernel_->SetEffort(effort) : absl::OkStatus();
  }

  absl::Status ReadSyscalls(absl::FunctionRef<bool(const SyscallCounters&)> handler) override {
    if (record::Tape::Current() == nullptr) return kernel_->ReadSyscalls(handler);
    // A recording has every row at every reading, so that it need not tell which were taken.
    return Rows<SyscallCounters>(
        "syscalls", [&](const SyscallCounters& row) { handler(row); },
        [this](RowHandler<SyscallCounters> each) {
          return kernel_->ReadSyscalls([&](const SyscallCounters& row) {
            each(row);
            return false;
          });
        });
  }
  absl::Status ReadProcesses(RowHandler<ProcessCounters> handler) override {
    return Rows<ProcessCounters>("processes", handler, [this](RowHandler<ProcessCounters> each) {
      return kernel_->ReadProcesses(each);
    });
  }
  absl::Status ReadTcp(RowHandler<ConnectionCounters> handler) override {
    return Rows<ConnectionCounters>("tcp", handler, [this](RowHandler<ConnectionCounters> each) {
      return kernel_->ReadTcp(each);
    });
  }
  absl::Status ReadUdp(RowHandler<ConnectionCounters> handler) override {
    return Rows<ConnectionCounters>("udp", handler, [this](RowHandler<ConnectionCounters> each) {
      return kernel_->ReadUdp(each);
    });
  }
  absl::Status ReadRequests(RowHandler<requests::RequestCounters> handler) override {
    return Rows<requests::RequestCounters>(
        "requests", handler,
        [this](RowHandler<requests::RequestCounters> each) { return kernel_->ReadRequests(each); });
  }
  ProcessTotalsSource* process_totals() override { return has_totals_ ? &totals_ : nullptr; }
  absl::StatusOr<int> PollLifecycle(absl::Duration timeout,
                                    RowHandler<LifecycleEvent> handler) override {
    int events = 0;
    const absl::Status status =
        Rows<LifecycleEvent>("lifecycle", handler, [&](RowHandler<LifecycleEvent> each) {
          const auto polled = kernel_->PollLifecycle(timeout, each);
          events = polled.value_or(0);
          return polled.status();
        });
    if (!status.ok()) return status;
    return events;
  }

  std::vector<RequestCount> RequestCounts() const override {
    return kernel_ ? kernel_->RequestCounts() : std::vector<RequestCount>();
  }
  size_t request_connections() const override {
    return kernel_ ? kernel_->request_connections() : 0;
  }

  uint32_t syscall_rows_used() const override {
    return Taped(Topic::kProbe, "syscall_rows_used", [&] { return kernel_->syscall_rows_used(); });
  }
  absl::StatusOr<uint64_t> UntimedSyscalls() const override {
    return Taped(
        Topic::kProbe, "untimed_syscalls", [&] { return kernel_->UntimedSyscalls(); }, 0);
  }
  absl::StatusOr<std::vector<ProbeLoss>> Losses() const override {
    return Taped(
        Topic::kProbe, "losses", [&] { return kernel_->Losses(); }, std::vector<ProbeLoss>());
  }

 private:
  template <typename Row>
  static absl::Status Rows(std::string_view name, RowHandler<Row> handler,
                           absl::FunctionRef<absl::Status(RowHandler<Row>)> read) {
    return TapedRows<Row>(Topic::kProbe, name, read, handler);
  }

  const std::unique_ptr<Probes> kernel_;
  TapedTotals totals_;
  bool has_totals_ = false;
  const ProbeReport no_report_;
};

}  // namespace

std::unique_ptr<Probes> MakeTaped(std::unique_ptr<Probes> kernel) {
  return std::make_unique<TapedProbes>(std::move(kernel));
}

}  // namespace leadline::agent::probes
