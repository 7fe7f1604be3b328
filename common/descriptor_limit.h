// How many files this process may have open.
#pragma once

#include <sys/resource.h>

namespace leadline {

// Raises the limit to the most that the process may have (the hard limit), and returns it; 0 where
// it is not known. Thread-safe.
rlim_t RaiseDescriptorLimit();

}  // namespace leadline
