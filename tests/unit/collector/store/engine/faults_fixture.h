// A store on files that can be made to fail, whose metrics can be read.
#pragma once

#include <fstream>
#include <memory>
#include <string>

#include <prometheus/registry.h>

#include "tests/unit/collector/store/engine/store_fixture.h"
#include "tests/unit/collector/store/faulty_files.h"

namespace leadline::collector::store::engine {

class FaultsFixture : public StoreFixture {
 protected:
  FaultsFixture() {
    options_.files = &files_;
    Rewire();
  }
  ~FaultsFixture() override { store_.reset(); }  // before what it uses

  // A registry of its own for each store, as in each process.
  void Rewire() {
    registry_ = std::make_unique<prometheus::Registry>();
    options_.registry = registry_.get();
  }
  void Reopen() {
    store_.reset();
    Rewire();
    Open();
  }

  // The value of a metric; the sum over its labels.
  double Metric(const std::string& name) {
    double sum = 0;
    for (const auto& family : registry_->Collect()) {
      if (family.name != "leadline_collector_" + name) continue;
      for (const auto& metric : family.metric) sum += metric.counter.value + metric.gauge.value;
    }
    return sum;
  }

  // Flips a bit.
  void Damage(const std::string& path, size_t offset) {
    std::string contents = *files_.Read(path);
    contents[offset] ^= 1;
    std::ofstream(path, std::ios::binary) << contents;
  }

  FaultyFiles files_;
  std::unique_ptr<prometheus::Registry> registry_;
  const model::SeriesDefinition series_{"m", HashId({"e"}), {}};
};

}  // namespace leadline::collector::store::engine
