// Timelines of entities, each once in the process: what a shard of the head and windows know of an
// entity is mostly the same, and is one object then, so that it is compared by its address.
//
// Their label hashes are told (EntityTimeline::label_hashes), as HashLabels gives them.
// Threading: any thread. A timeline that nobody else refers to is freed at once, what the table
// keeps of it a little later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "collector/model/entity_timeline.h"
#include "common/labels.h"

namespace leadline::collector::store::index {

using TimelinePtr = std::shared_ptr<const model::EntityTimeline>;

// The timeline, new or known.
TimelinePtr Intern(model::EntityTimeline timeline);
// As a copy where it is new. REQUIRES: not null.
TimelinePtr Intern(TimelinePtr timeline);

// Memory that it takes, about.
size_t BytesOf(const model::EntityTimeline& timeline);

// The sum of HashLabel of all.
uint64_t HashLabels(const LabelSet& labels);

}  // namespace leadline::collector::store::index
