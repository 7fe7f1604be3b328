#include "cli/debug/store_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/record/exemplars.h"
#include "collector/store/record/rows.h"

namespace leadline::cli {
namespace {

namespace keyed = collector::store::record;
namespace model = collector::model;
using ::testing::StartsWith;

TEST(StoreRecords, AreTextByTheirTable) {
  model::EntityVersion version;
  version.id = {1, 2};
  version.labels = LabelSet({{"pod", "web-1"}});
  EXPECT_THAT(KeyedText(keyed::OfEntityVersion(version, 1'700'000'000'000)),
              StartsWith("learned at 2023-11-14T22:13:20.000Z: entity "
                         "00000000000000010000000000000002 "));
  model::Record exemplar =
      keyed::OfExemplar({1, 2}, {LabelSet({{"trace_id", "5b8efff7"}}), 0.25, 1'700'000'000'000});
  EXPECT_EQ(KeyedText(exemplar),
            "exemplar of series 00000000000000010000000000000002 at 2023-11-14T22:13:20.000Z: "
            "0.25 {trace_id=\"5b8efff7\"}");
  exemplar.value = "x";
  EXPECT_EQ(KeyedText(exemplar),
            "table 2 at 2023-11-14T22:13:20.000Z: a key of 32 bytes, a value of 1");
}

}  // namespace
}  // namespace leadline::cli
