#include "agent/aggregate/network_series.h"

namespace leadline::agent::aggregate {
namespace {

using catalogue::Metric;
using source::InterfaceCounters;

struct NetworkRow {
  Metric metric;
  uint64_t InterfaceCounters::*counter;
};

constexpr NetworkRow kNetworkRows[NetworkSeries::kCounters] = {
    {Metric::kPodNetworkReceiveBytes, &InterfaceCounters::receive_bytes},
    {Metric::kPodNetworkReceivePackets, &InterfaceCounters::receive_packets},
    {Metric::kPodNetworkReceiveErrors, &InterfaceCounters::receive_errors},
    {Metric::kPodNetworkReceiveDropped, &InterfaceCounters::receive_dropped},
    {Metric::kPodNetworkTransmitBytes, &InterfaceCounters::transmit_bytes},
    {Metric::kPodNetworkTransmitPackets, &InterfaceCounters::transmit_packets},
    {Metric::kPodNetworkTransmitErrors, &InterfaceCounters::transmit_errors},
    {Metric::kPodNetworkTransmitDropped, &InterfaceCounters::transmit_dropped},
};

}  // namespace

void NetworkSeries::Record(const Subject& subject, absl::Span<const InterfaceCounters> interfaces,
                           Recorder& recorder) {
  StringMap<Slots>& pod = slots_[subject.entity];
  for (const InterfaceCounters& counters : interfaces) {
    Slots& slots = pod[counters.interface];
    LabelSet residual;
    if (!slots[0].ref) residual.Set("interface", counters.interface);
    for (size_t i = 0; i < kCounters; ++i) {
      recorder.Add(slots[i], kNetworkRows[i].metric, subject, counters.*kNetworkRows[i].counter,
                   residual);
    }
  }
}

}  // namespace leadline::agent::aggregate
