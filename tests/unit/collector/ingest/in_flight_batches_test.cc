#include "collector/ingest/in_flight_batches.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::ingest {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<uint64_t> TakeAll(InFlightBatches& batches) {
  std::vector<uint64_t> taken;
  while (const auto batch = batches.TakeAnswered()) taken.push_back(batch->sequence);
  return taken;
}

TEST(InFlightBatches, AreTakenInOrderWhateverTheOrderOfTheAnswers) {
  InFlightBatches batches;
  for (const uint64_t sequence : {3, 5, 6}) batches.Add({sequence, 10 * sequence});
  EXPECT_THAT(TakeAll(batches), IsEmpty());
  batches.Answer(5);
  EXPECT_THAT(TakeAll(batches), IsEmpty());
  batches.Answer(3);
  EXPECT_THAT(TakeAll(batches), ElementsAre(3, 5));
  EXPECT_EQ(batches.count(), 1u);
  EXPECT_EQ(batches.bytes(), 60u);
  batches.Answer(6);
  EXPECT_THAT(TakeAll(batches), ElementsAre(6));
  EXPECT_TRUE(batches.empty());
  EXPECT_EQ(batches.bytes(), 0u);
}

TEST(InFlightBatches, IgnoreAnswersForWhatIsNotHere) {
  InFlightBatches batches;
  batches.Add({2, 1});
  for (const uint64_t sequence : {1, 3}) batches.Answer(sequence);
  EXPECT_THAT(TakeAll(batches), IsEmpty());
  EXPECT_EQ(batches.count(), 1u);
}

TEST(InFlightBatches, KeepWhenABatchCame) {
  InFlightBatches batches;
  batches.Add({1, 7, 42});
  batches.Answer(1);
  const auto batch = batches.TakeAnswered();
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->bytes, 7u);
  EXPECT_EQ(batch->received_mono_ns, 42);
}

}  // namespace
}  // namespace leadline::collector::ingest
