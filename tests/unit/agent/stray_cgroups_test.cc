#include "agent/stray_cgroups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(StrayCgroups, OneThatAWalkHasNotFoundEitherIsAStray) {
  StrayCgroups strays;
  EXPECT_FALSE(strays.Note(7, 1));
  EXPECT_THAT(strays.EndRead(), IsEmpty());
  EXPECT_FALSE(strays.Note(7, 1)) << "no walk has succeeded since";
  EXPECT_TRUE(strays.Note(7, 2));
}

TEST(StrayCgroups, OneThatBecameKnownBeginsAnew) {
  StrayCgroups strays;
  strays.Note(7, 1);
  strays.EndRead();
  EXPECT_THAT(strays.EndRead(), IsEmpty());
  EXPECT_EQ(strays.size(), 0u);
  EXPECT_FALSE(strays.Note(7, 3));
}

TEST(StrayCgroups, AStrayIsGivenUpOnceItsRowsStopGrowing) {
  StrayCgroups strays;
  strays.Note(7, 1);
  strays.EndRead();
  for (int read = 0; read < 2; ++read) {
    EXPECT_TRUE(strays.Note(7, 2));
    EXPECT_TRUE(strays.Note(7, 2));  // a second row
    strays.Grew(7);
    EXPECT_THAT(strays.EndRead(), IsEmpty());
  }
  EXPECT_TRUE(strays.Note(7, 2));
  EXPECT_THAT(strays.EndRead(), ElementsAre(7));
  EXPECT_TRUE(strays.Note(7, 2)) << "its rows are handed out a last time";
  EXPECT_THAT(strays.EndRead(), IsEmpty());
}

}  // namespace
}  // namespace leadline::agent
