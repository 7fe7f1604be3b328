#include "agent/meta/cgroup_path.h"

#include <algorithm>
#include <optional>

namespace leadline::agent::meta {
namespace {

constexpr size_t kFullIdBytes = 64;  // SHA-256 in hexadecimal, as every runtime makes them
constexpr size_t kMaxIdBytes = 128;

bool IsHex(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

bool IsFullId(std::string_view text) { return text.size() == kFullIdBytes && IsHex(text); }

// What may be a container's id below a pod or a containerd namespace; whoever runs runc by hand
// picks ids of his own. systemd's units have a dot.
bool IsId(std::string_view text) {
  return !text.empty() && text.size() <= kMaxIdBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-' || c == '_';
         });
}

bool Consume(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool ConsumeEnd(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

// A UUID, whose dashes systemd's driver turns into underscores, or a static pod's hash; "" for
// anything else.
std::string PodUid(std::string_view text) {
  if (text.size() == 32 && IsHex(text)) return std::string(text);
  if (text.size() != 36) return {};
  std::string uid(text);
  std::replace(uid.begin(), uid.end(), '_', '-');
  for (size_t i = 0; i < uid.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? uid[i] != '-' : !IsHex({&uid[i], 1})) return {};
  }
  return uid;
}

struct PodSegment {
  std::string uid;
  QosClass qos;
};

// "kubepods-burstable-pod<uid>", also with the slices of an outer root before: "kubelet-kubepods-".
std::optional<PodSegment> ParsePodSlice(std::string_view name) {
  const size_t at = name.rfind("kubepods-");
  if (at == std::string_view::npos || (at > 0 && name[at - 1] != '-')) return std::nullopt;
  std::string_view rest = name.substr(at);
  Consume(rest, "kubepods-");
  QosClass qos = QosClass::kGuaranteed;
  if (Consume(rest, "burstable-")) {
    qos = QosClass::kBurstable;
  } else if (Consume(rest, "besteffort-")) {
    qos = QosClass::kBestEffort;
  }
  if (!Consume(rest, "pod")) return std::nullopt;
  std::string uid = PodUid(rest);
  if (uid.empty()) return std::nullopt;
  return PodSegment{std::move(uid), qos};
}

struct ContainerSegment {
  std::string_view id;
  ContainerRuntime runtime;
};

struct RuntimePrefix {
  std::string_view name;
  ContainerRuntime runtime;
};
constexpr RuntimePrefix kRuntimes[] = {
    {"cri-containerd", ContainerRuntime::kContainerd},
    {"crio", ContainerRuntime::kCrio},
    {"docker", ContainerRuntime::kDocker},
    {"libpod", ContainerRuntime::kPodman},
    {"nerdctl", ContainerRuntime::kContainerd},
};

// containerd puts what has no cgroup path of its own below its namespace; Docker below "docker".
constexpr RuntimePrefix kParents[] = {
    {"default", ContainerRuntime::kContainerd},
    {"k8s.io", ContainerRuntime::kContainerd},
    {"moby", ContainerRuntime::kDocker},
    {"docker", ContainerRuntime::kDocker},
};

// "crio-<id>.scope", and "crio-<id>" of the cgroupfs driver. The monitors ("crio-conmon-<id>") are
// no containers.
std::optional<ContainerSegment> ParsePrefixed(std::string_view name) {
  const bool scope = ConsumeEnd(name, ".scope");
  for (const RuntimePrefix& prefix : kRuntimes) {
    std::string_view id = name;
    if (!Consume(id, prefix.name) || !Consume(id, "-")) continue;
    if (IsFullId(id) || (scope && IsId(id) && !id.starts_with("conmon-"))) {
      return ContainerSegment{id, prefix.runtime};
    }
  }
  return std::nullopt;
}

bool IsMonitor(std::string_view name) {
  return name.starts_with("crio-conmon-") || name.starts_with("libpod-conmon-");
}

// Goes down the path, segment by segment; the deepest container or pod is what counts.
class Parser {
 public:
  explicit Parser(std::string_view path) : path_(path) {}

  CgroupPath Parse() {
    size_t begin = 0;
    while (begin < path_.size()) {
      size_t end = path_.find('/', begin);
      if (end == std::string_view::npos) end = path_.size();
      if (end > begin) OnSegment(path_.substr(begin, end - begin), end);
      begin = end + 1;
    }
    return std::move(found_);
  }

 private:
  void OnSegment(std::string_view name, size_t end) {
    const bool below_pod = below_pod_;
    const std::string_view parent = parent_;
    below_pod_ = false;
    parent_ = name;
    ++depth_;
    if (OnPod(name, end) || OnLiteral(name, end)) return;
    if (const auto container = ParsePrefixed(name)) {
      return OnContainer(container->id, container->runtime, end);
    }
    if (IsMonitor(name)) return;
    if (below_pod && IsId(name)) return OnContainer(name, ContainerRuntime::kUnknown, end);
    for (const RuntimePrefix& known : kParents) {
      const bool own_id = known.runtime == ContainerRuntime::kContainerd && depth_ == 2;
      if (parent == known.name && (IsFullId(name) || (own_id && IsId(name)))) {
        return OnContainer(name, known.runtime, end);
      }
    }
    if (IsFullId(name)) OnContainer(name, ContainerRuntime::kUnknown, end);
  }

  bool OnPod(std::string_view name, size_t end) {
    if (name == "kubepods") qos_ = QosClass::kGuaranteed;
    if (qos_ != QosClass::kUnknown && name == "burstable") qos_ = QosClass::kBurstable;
    if (qos_ != QosClass::kUnknown && name == "besteffort") qos_ = QosClass::kBestEffort;
    std::string_view rest = name;
    if (ConsumeEnd(rest, ".slice")) {
      std::optional<PodSegment> pod = ParsePodSlice(rest);
      if (pod) SetPod(std::move(pod->uid), pod->qos, end);
      return pod.has_value();
    }
    if (!Consume(rest, "pod")) return false;
    std::string uid = PodUid(rest);
    if (uid.empty()) return false;
    SetPod(std::move(uid), qos_, end);
    return true;
  }

  // runc without systemd takes a path in systemd's style, slice:prefix:id, for a directory's name.
  bool OnLiteral(std::string_view name, size_t end) {
    const size_t first = name.find(':');
    const size_t second = name.find(':', first == std::string_view::npos ? first : first + 1);
    if (second == std::string_view::npos) return false;
    std::string_view slice = name.substr(0, first);
    const std::string_view prefix = name.substr(first + 1, second - first - 1);
    const std::string_view id = name.substr(second + 1);
    const auto known = std::find_if(std::begin(kRuntimes), std::end(kRuntimes),
                                    [&](const RuntimePrefix& one) { return one.name == prefix; });
    if (known == std::end(kRuntimes) || !IsId(id) || !ConsumeEnd(slice, ".slice")) return false;
    if (std::optional<PodSegment> pod = ParsePodSlice(slice)) {
      SetPod(std::move(pod->uid), pod->qos, end);
      below_pod_ = false;
    }
    OnContainer(id, known->runtime, end);
    return true;
  }

  void SetPod(std::string uid, QosClass qos, size_t end) {
    found_ = {.kind = CgroupKind::kPod,
              .pod_uid = std::move(uid),
              .qos = qos,
              .own_length = end,
              .pod_length = end,
              .host_length = found_.outer_length,
              .host_in_pod = found_.outer_length != 0 && !found_.pod_uid.empty()};
    below_pod_ = true;
  }

  void OnContainer(std::string_view id, ContainerRuntime runtime, size_t end) {
    if (found_.kind != CgroupKind::kContainer) found_.outer_length = end;
    found_.kind = CgroupKind::kContainer;
    found_.container_id = id;
    found_.runtime = runtime;
    found_.own_length = end;
  }

  const std::string_view path_;
  CgroupPath found_;
  QosClass qos_ = QosClass::kUnknown;  // below a segment "kubepods"
  bool below_pod_ = false;             // the segment before was a pod's
  std::string_view parent_;
  int depth_ = 0;
};

}  // namespace

CgroupPath ParseCgroupPath(std::string_view path) {
  if (path.size() > kMaxCgroupPathBytes) return {};
  return Parser(path).Parse();
}

}  // namespace leadline::agent::meta
