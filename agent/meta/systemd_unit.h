// The systemd unit that a cgroup belongs to, by its path.
//
// Pure and thread-safe. Source: systemd's src/basic/cgroup-util.c (cg_path_decode_unit), the
// documentation of control groups (systemd.io/CONTROL_GROUP_INTERFACE) and systemd.unit(5) on
// escaping.
#pragma once

#include <string>
#include <string_view>

namespace leadline::agent::meta {

// The innermost .service, .scope or .slice of the path, as people read it: without the underscore
// that keeps it apart from the kernel's files, and with \xNN as the character that it stands for
// ("system-serial\x2dgetty.slice" is "system-serial-getty.slice"). "" where there is none.
std::string SystemdUnit(std::string_view cgroup_path);

}  // namespace leadline::agent::meta
