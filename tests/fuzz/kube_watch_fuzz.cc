// A watch's answer: however the stream is cut, the lines are the same, and each is decoded or
// refused.
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "kube/endpoint_slice.h"
#include "kube/json.h"
#include "kube/line_splitter.h"
#include "kube/pod.h"
#include "kube/resource.h"
#include "kube/service.h"
#include "kube/watch_decoder.h"

namespace {

namespace kube = leadline::kube;

constexpr size_t kMaxLineBytes = 8192;

std::vector<std::string> Lines(std::string_view stream, size_t chunk_bytes, bool* too_long) {
  std::vector<std::string> lines;
  kube::LineSplitter splitter(kMaxLineBytes);
  *too_long = false;
  while (!stream.empty() && !*too_long) {
    const auto status = splitter.Append(stream.substr(0, chunk_bytes), [&](std::string_view line) {
      if (line.empty() || line.size() > kMaxLineBytes) abort();
      lines.emplace_back(line);
      return absl::OkStatus();
    });
    *too_long = !status.ok();
    if (splitter.unfinished_bytes() > kMaxLineBytes) abort();
    stream.remove_prefix(std::min(chunk_bytes, stream.size()));
  }
  return lines;
}

void CheckPod(const kube::Pod& pod) {
  if (pod.meta.uid.empty() || pod.meta.name.empty() || pod.meta.namespace_name.empty()) abort();
  for (const kube::Container& container : pod.containers) {
    if (container.name.empty()) abort();
  }
  for (size_t i = 1; i < pod.meta.labels.size(); ++i) {
    if (pod.meta.labels[i].name <= pod.meta.labels[i - 1].name) abort();
  }
}

void CheckAddresses(const kube::Pod& pod) {
  if (!pod.containers.empty() || !pod.meta.labels.empty()) abort();
}

void CheckService(const kube::Service& service) {
  if (service.meta.uid.empty() || service.meta.namespace_name.empty()) abort();
  for (const auto* addresses : {&service.cluster_ips, &service.shared_ips}) {
    for (const std::string& address : *addresses) {
      if (address.empty() || address == "None") abort();
    }
  }
}

void CheckSlice(const kube::EndpointSlice& slice) {
  for (const std::string& uid : slice.pod_uids) {
    if (uid.empty()) abort();
  }
}

// The object that the line has, as the resource decodes it; nullptr where there is none.
template <typename T>
std::shared_ptr<const T> Object(const std::string& line, const kube::Resource& resource) {
  const auto event = kube::DecodeWatchEvent(line, resource);
  if (!event.ok() || event->object == nullptr) return nullptr;
  auto object = std::dynamic_pointer_cast<const T>(event->object);
  if (object == nullptr) abort();
  return object;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data), size);
  bool too_long = false;
  bool too_long_cut = false;
  const std::vector<std::string> lines = Lines(stream, stream.size(), &too_long);
  if (Lines(stream, 1 + data[0] % 64, &too_long_cut) != lines || too_long != too_long_cut) abort();
  static const kube::Resource* const pods = new kube::Resource(kube::PodsOfNode("node"));
  static const kube::Resource* const addresses = new kube::Resource(kube::PodAddresses(""));
  static const kube::Resource* const services = new kube::Resource(kube::Services());
  static const kube::Resource* const slices = new kube::Resource(kube::EndpointSlices());
  for (const std::string& line : lines) {
    if (const auto pod = Object<kube::Pod>(line, *pods)) {
      CheckPod(*pod);
      const auto lean = Object<kube::Pod>(line, *addresses);
      if (lean == nullptr) abort();
      CheckAddresses(*lean);
    }
    if (const auto service = Object<kube::Service>(line, *services)) CheckService(*service);
    if (const auto slice = Object<kube::EndpointSlice>(line, *slices)) CheckSlice(*slice);
    kube::StatusText(line);
  }
  return 0;
}
