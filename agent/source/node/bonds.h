// How many interfaces each bond has and how many of them are up, under node-exporter's names.
//
// A bond of which an interface's state cannot be read, as while it leaves the bond, has no figures
// in that round. Not thread-safe.
// Source: kernel Documentation/networking/bonding.rst, drivers/net/bonding/bond_sysfs*.c.
#pragma once

#include <string>

#include "agent/source/node/figure.h"
#include "agent/source/open_files.h"

namespace leadline::agent::source {

// `folder`: /sys/class/net of the network namespace in question.
void ReadBonds(const std::string& folder, OpenFiles& files, FigureSink sink);

}  // namespace leadline::agent::source
