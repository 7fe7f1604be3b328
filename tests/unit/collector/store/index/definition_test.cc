#include "collector/store/index/definition.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::store::index {
namespace {

model::SeriesDefinition Numbered(int number) {
  return {"metric_" + std::to_string(number % 7), HashId({"e", std::to_string(number % 3)}),
          LabelSet({{"a", std::to_string(number)}, {"b", "same"}})};
}

TEST(Definition, SaysWhatItWasMadeOf) {
  const model::SeriesDefinition model = Numbered(5);
  const DefinitionPtr definition = Intern(model);
  EXPECT_EQ(definition->metric(), "metric_5");
  EXPECT_EQ(definition->entity(), model.entity);
  EXPECT_EQ(definition->Get("a"), "5");
  EXPECT_EQ(definition->Get("c"), "");
  EXPECT_EQ(definition->Get("__name__"), "");
  EXPECT_EQ(definition->ToModel(), model);
  EXPECT_TRUE(definition->Is(DefinitionKey(model)));
  EXPECT_FALSE(definition->Is(DefinitionKey(Numbered(6))));
}

TEST(Definition, EqualOnesAreOneObjectWhateverTheyAreMadeFrom) {
  const model::SeriesDefinition model = Numbered(1);
  const DefinitionPtr one = Intern(model);
  const std::vector<LabelView> residual = {{"a", "1"}, {"b", "same"}};
  EXPECT_EQ(Intern(DefinitionKey("metric_1", model.entity, residual)), one);
  EXPECT_EQ(Intern(model.entity, one->labels()), one);
  EXPECT_NE(Intern(Numbered(2)), one);
  EXPECT_EQ(Intern(Numbered(2))->residual()[1], one->residual()[1]);
  // Names and values do not run into each other.
  EXPECT_NE(Intern({"m", {}, LabelSet({{"ab", "c"}})}), Intern({"m", {}, LabelSet({{"a", "bc"}})}));
}

TEST(Definition, GoesWithTheLastHandleAndItsTextToo) {
  const size_t definitions = DefinitionCount();
  const size_t labels = LabelTable::Get().size();
  const size_t bytes = LabelTable::Get().bytes();
  {
    std::vector<DefinitionPtr> kept;
    for (int i = 0; i < 1000; ++i) kept.push_back(Intern(Numbered(i)));
    EXPECT_EQ(DefinitionCount(), definitions + 1000);
    EXPECT_EQ(LabelTable::Get().size(), labels + 1000 + 7 + 1 + 3);  // with the entities
    DefinitionPtr copy = kept[3];
    kept.clear();
    EXPECT_EQ(DefinitionCount(), definitions + 1);
    EXPECT_EQ(copy->ToModel(), Numbered(3));
  }
  EXPECT_EQ(DefinitionCount(), definitions);
  EXPECT_EQ(LabelTable::Get().size(), labels);
  EXPECT_EQ(LabelTable::Get().bytes(), bytes);
}

TEST(Definition, LongOnesToo) {
  std::vector<Label> labels;
  for (int i = 0; i < 500; ++i) labels.push_back({"l" + std::to_string(i), std::string(100, 'x')});
  const model::SeriesDefinition model{"m", {}, LabelSet(labels)};
  EXPECT_EQ(Intern(model)->ToModel(), model);
}

// Threads make, compare and let go of the same definitions.
TEST(Definition, IsSharedBetweenThreads) {
  const size_t definitions = DefinitionCount();
  const size_t labels = LabelTable::Get().size();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([thread] {
      std::vector<DefinitionPtr> kept(16);
      for (int i = 0; i < 4000; ++i) {
        const int number = (i * 7 + thread) % 40;
        DefinitionPtr made = Intern(Numbered(number));
        ASSERT_EQ(made->Get("a"), std::to_string(number));
        ASSERT_TRUE(made->Is(DefinitionKey(Numbered(number))));
        kept[static_cast<size_t>(i) % kept.size()] = std::move(made);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(DefinitionCount(), definitions);
  EXPECT_EQ(LabelTable::Get().size(), labels);
}

}  // namespace
}  // namespace leadline::collector::store::index
