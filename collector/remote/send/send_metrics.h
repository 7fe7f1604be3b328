// Remote write's own metrics, of what is sent.
#pragma once

#include "collector/remote/send/log_reader.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/registry.h"

namespace leadline::collector::remote::send {

struct SendMetrics {
  explicit SendMetrics(prometheus::Registry& registry);

  void Count(const ReadCounts& counts);

  prometheus::Counter& samples;
  prometheus::Counter& bytes;
  prometheus::Counter& requests;
  prometheus::Counter& retries;
  prometheus::Counter& rejected;
  prometheus::Counter& metadata;
  prometheus::Counter& failed_metadata;
  prometheus::Counter& given_up_segments;
  prometheus::Counter& read_errors;
  prometheus::Gauge& kept_bytes;
  prometheus::Gauge& newest_seconds;
  // Samples that are not sent, by reason.
  prometheus::Counter& unknown_entity;
  prometheus::Counter& histograms_off;
  prometheus::Counter& undefined_series;
  prometheus::Counter& damage;
};

}  // namespace leadline::collector::remote::send
