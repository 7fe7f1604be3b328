// A request of remote write, with the places where it can be cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace leadline::collector::remote::send {

// A prometheus.WriteRequest, one series a sample.
struct Message {
  // Samples that were taken in together and have one time, so that a target refuses all of them or
  // none; it begins here.
  struct Part {
    size_t bytes;
    size_t samples;
  };

  std::string bytes;
  size_t samples = 0;
  int64_t newest_ms = 0;
  std::vector<Part> parts;

  // Of the parts [from, to), which are a request too.
  std::string_view BytesOf(size_t from, size_t to) const {
    const size_t begin = parts[from].bytes;
    return std::string_view(bytes).substr(begin, Begin(to).bytes - begin);
  }
  size_t SamplesOf(size_t from, size_t to) const { return Begin(to).samples - parts[from].samples; }

 private:
  Part Begin(size_t part) const {
    return part < parts.size() ? parts[part] : Part{bytes.size(), samples};
  }
};

}  // namespace leadline::collector::remote::send
