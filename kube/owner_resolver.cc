#include "kube/owner_resolver.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "kube/problem.h"

namespace leadline::kube {
namespace {

constexpr size_t kMaxForbiddenKinds = 64;

std::string_view Name(ChainEnd end) {
  switch (end) {
    case ChainEnd::kTop:
      return "top";
    case ChainEnd::kForbidden:
      return "forbidden";
    case ChainEnd::kNotFound:
      return "not_found";
    case ChainEnd::kUnknownKind:
      return "unknown_kind";
    case ChainEnd::kTooLong:
      return "too_long";
    case ChainEnd::kFailed:
      return "failed";
  }
  return "unknown";
}

// nullopt for what may pass.
std::optional<ChainEnd> FinalEnd(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return ChainEnd::kNotFound;
    case absl::StatusCode::kPermissionDenied:
      return ChainEnd::kForbidden;
    case absl::StatusCode::kUnimplemented:
      return ChainEnd::kUnknownKind;
    default:
      return std::nullopt;
  }
}

// Nobody controls a node, and an agent needs no right to read it.
bool IsNode(const Owner& owner) { return owner.kind == "Node" && owner.api_version == "v1"; }

OwnerEntry EntryOf(const ObjectMeta& meta) {
  const OwnerReference* parent = meta.Controller();
  if (parent == nullptr) return {};
  return {.parent = Owner{parent->api_version, parent->kind, parent->name, parent->uid}};
}

}  // namespace

OwnerResolver::OwnerResolver(OwnerResolverOptions options, std::unique_ptr<MetadataSource> source,
                             const Clock& clock, std::unique_ptr<Pauser> pauser,
                             OwnerMetrics metrics, Callback callback)
    : options_(options),
      source_(std::move(source)),
      clock_(clock),
      pauser_(std::move(pauser)),
      metrics_(metrics),
      callback_(std::move(callback)),
      queue_(options.max_queued),
      cache_(options.max_cached),
      backoff_(options.backoff, options.seed),
      thread_([this] { Run(); }) {}

OwnerResolver::~OwnerResolver() {
  queue_.Close();
  source_->Stop();
  pauser_->Stop();
  thread_.join();
}

bool OwnerResolver::Resolve(std::string object_uid, std::string namespace_name,
                            const OwnerReference& direct) {
  const bool taken =
      queue_.TryPush({std::move(object_uid), std::move(namespace_name),
                      Owner{direct.api_version, direct.kind, direct.name, direct.uid}});
  if (!taken) metrics_.CountDropped();
  return taken;
}

void OwnerResolver::Run() {
  while (!queue_.closed()) {
    absl::Duration wait = absl::InfiniteDuration();
    if (!retries_.empty()) {
      wait = absl::Nanoseconds(std::max<int64_t>(0, retries_.front().due_ns - clock_.NowMonoNs()));
    }
    std::optional<Request> request = queue_.Pop(wait);
    metrics_.SetQueued(static_cast<double>(queue_.size()));
    if (request && !Serve(*std::move(request), false)) return;
    if (!ServeRetries()) return;
    metrics_.SetCached(static_cast<double>(cache_.size()));
  }
}

bool OwnerResolver::ServeRetries() {
  while (!retries_.empty() && retries_.front().due_ns <= clock_.NowMonoNs()) {
    Request request = std::move(retries_.front().request);
    retries_.pop_front();
    if (!Serve(std::move(request), true)) return false;
  }
  return true;
}

bool OwnerResolver::Serve(Request request, bool again) {
  std::optional<OwnerChain> chain = Walk(request);
  if (!chain) return false;
  metrics_.CountChain(Name(chain->end));
  const bool failed = chain->end == ChainEnd::kFailed;
  const std::string uid = request.object_uid;
  if (failed) RetryLater(std::move(request));
  if (!failed || !again) callback_(uid, *std::move(chain));
  return true;
}

void OwnerResolver::RetryLater(Request request) {
  if (retries_.size() >= options_.max_queued) {
    metrics_.CountDropped();
    retries_.pop_front();
  }
  retries_.push_back(
      {clock_.NowMonoNs() + options_.negative_ttl_ms * 1'000'000, std::move(request)});
}

std::optional<OwnerChain> OwnerResolver::Walk(const Request& request) {
  OwnerChain chain{.owners = {request.direct}};
  while (!IsNode(chain.owners.back())) {
    std::optional<OwnerEntry> entry = Lookup(chain.owners.back(), request.namespace_name);
    if (!entry) return std::nullopt;
    if (!entry->parent) {
      chain.end = entry->end;
      break;
    }
    if (chain.owners.size() >= kMaxOwners) {
      chain.end = ChainEnd::kTooLong;
      break;
    }
    chain.owners.push_back(*std::move(entry->parent));
  }
  return chain;
}

std::optional<OwnerEntry> OwnerResolver::Lookup(const Owner& owner,
                                                const std::string& namespace_name) {
  if (const OwnerEntry* known = cache_.Get(owner.uid, clock_.NowMonoNs())) {
    metrics_.CountCacheHit();
    return *known;
  }
  for (int attempt = 1;; ++attempt) {
    auto meta = source_->Get(owner, namespace_name);
    if (meta.ok() && meta->uid != owner.uid) {
      meta = absl::NotFoundError("another object has the name by now");
    }
    if (meta.ok()) {
      metrics_.CountLookup("ok");
      backoff_.Reset();
      OwnerEntry entry = EntryOf(*meta);
      cache_.Put(owner.uid, entry, clock_.NowMonoNs() + options_.positive_ttl_ms * 1'000'000);
      return entry;
    }
    if (meta.status().code() == absl::StatusCode::kCancelled) return std::nullopt;
    const std::optional<ChainEnd> end = FinalEnd(meta.status());
    metrics_.CountLookup(Name(end.value_or(ChainEnd::kFailed)));
    if (end || attempt >= options_.max_attempts) {
      LogEnd(owner, namespace_name, meta.status());
      OwnerEntry entry{.end = end.value_or(ChainEnd::kFailed)};
      cache_.Put(owner.uid, entry, clock_.NowMonoNs() + options_.negative_ttl_ms * 1'000'000);
      return entry;
    }
    if (!pauser_->Wait(backoff_.NextMs())) return std::nullopt;
  }
}

// What we may not read is said once for a kind: it is the same for all its objects.
void OwnerResolver::LogEnd(const Owner& owner, const std::string& namespace_name,
                           const absl::Status& status) {
  const bool forbidden = status.code() == absl::StatusCode::kPermissionDenied;
  const bool warn =
      forbidden && forbidden_kinds_.size() < kMaxForbiddenKinds &&
      forbidden_kinds_.insert(fmt::format("{} {}", owner.api_version, owner.kind)).second;
  spdlog::log(warn ? spdlog::level::warn : spdlog::level::debug, "owner {} {}/{}: {}", owner.kind,
              namespace_name, owner.name,
              Describe(status, "get", fmt::format("objects of kind {}", owner.kind)));
}

}  // namespace leadline::kube
