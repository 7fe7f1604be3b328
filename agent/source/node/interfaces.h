// What sysfs says of each network interface, under node-exporter's names.
//
// A file that a device does not have, or has no value for while it is down, is an absent figure.
// Interfaces of pods are left out. Not thread-safe.
// Source: kernel Documentation/ABI/testing/sysfs-class-net.
#pragma once

#include <string>

#include "agent/source/node/figure.h"
#include "agent/source/open_files.h"

namespace leadline::agent::source {

// `folder`: /sys/class/net of the network namespace in question.
void ReadInterfaces(const std::string& folder, OpenFiles& files, FigureSink sink);

}  // namespace leadline::agent::source
