// What the program has of the heap, to the byte: the operators new and delete of a test that links
// this count it.
#pragma once

#include <cstdint>

namespace leadline::collector::promqltest {

// Allocated and not freed, by all threads.
uint64_t HeapBytes();
// The most of it since the last call.
uint64_t TakeHeapPeak();

}  // namespace leadline::collector::promqltest
