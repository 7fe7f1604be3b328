#include "agent/meta/systemd_unit.h"

#include <gtest/gtest.h>

namespace leadline::agent::meta {
namespace {

struct UnitCase {
  const char* path;
  const char* unit;
};

class Unit : public testing::TestWithParam<UnitCase> {};

TEST_P(Unit, IsTheInnermostOfThePath) { EXPECT_EQ(SystemdUnit(GetParam().path), GetParam().unit); }

INSTANTIATE_TEST_SUITE_P(
    Paths, Unit,
    testing::Values(
        UnitCase{"/system.slice/ssh.service", "ssh.service"},
        UnitCase{"/system.slice/foo.service/worker/deep", "foo.service"},
        UnitCase{"/user.slice/user-1000.slice/session-3.scope", "session-3.scope"},
        UnitCase{"/user.slice/user-1000.slice/user@1000.service/app.slice/a.scope", "a.scope"},
        UnitCase{"/init.scope", "init.scope"}, UnitCase{"/kubepods.slice", "kubepods.slice"},
        // systemd puts an underscore before what could be one of the kernel's files.
        UnitCase{"/system.slice/_cpu.service", "cpu.service"},
        UnitCase{"/system.slice/__x.service", "_x.service"},
        UnitCase{R"(/system.slice/system-serial\x2dgetty.slice)", "system-serial-getty.slice"},
        UnitCase{R"(/system.slice/a\x2.service)", R"(a\x2.service)"},
        UnitCase{R"(/system.slice/a\x0a.service)", R"(a\x0a.service)"},
        UnitCase{R"(/system.slice/a\xzz.service)", R"(a\xzz.service)"},
        UnitCase{R"(/system.slice/a\x2d)", "system.slice"}, UnitCase{"/", ""}, UnitCase{"", ""},
        UnitCase{"/docker", ""}, UnitCase{"/.service", ""}, UnitCase{"/a.servicex", ""},
        UnitCase{"a.service", "a.service"}));

}  // namespace
}  // namespace leadline::agent::meta
