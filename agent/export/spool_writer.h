// Keeps every sealed batch in the disk spool, on a thread of its own.
//
// Submit only queues, so a slow disk holds nobody up: past kMaxQueuedBytes a batch is not spooled
// (counted, reason "behind") and stays in memory only. So does one that cannot be written; that is
// logged when it begins and when it ends. The batches of one turn are synced together.
//
// Threading: every method may be called from any thread; the listener is called from the spool's
// thread, without a lock of ours. Ownership: the listener outlives the writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/export/sealed_batch.h"
#include "agent/export/send_buffer.h"
#include "agent/spool/spool.h"
#include "prometheus/registry.h"

namespace leadline::agent {

class SpoolListener {
 public:
  virtual ~SpoolListener() = default;
  // Once, before everything else: what earlier processes left. Nothing when the spool cannot be
  // opened.
  virtual void Recovered(std::vector<spool::Recovered> recovered,
                         std::shared_ptr<const spool::DefinitionIndex> definitions) = 0;
  virtual void Spooled(uint64_t sequence, const spool::Location& location) = 0;
  virtual void Unspooled(const spool::LostRange& range) = 0;
};

struct SpoolWriterOptions {
  std::string dir;
  uint64_t max_bytes = 0;
  spool::Writer writer;
};

class SpoolWriter {
 public:
  static constexpr size_t kMaxQueuedBytes = 16 << 20;

  SpoolWriter(SpoolWriterOptions options, SpoolListener& listener, prometheus::Registry& registry);
  ~SpoolWriter();
  SpoolWriter(const SpoolWriter&) = delete;
  SpoolWriter& operator=(const SpoolWriter&) = delete;

  // In order of their sequence.
  void Submit(uint64_t sequence, uint64_t samples, SendBuffer::Wire wire,
              DefinitionChanges changes);
  void Acknowledge(const spool::Writer& writer, uint64_t sequence);

  // Writes what is queued, removes what is acknowledged, and ends the thread.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace leadline::agent
