#include "agent/protocols/http2/header_memory.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace leadline::agent::protocols::http2 {

// Stands before what is lent.
struct alignas(__STDCPP_DEFAULT_NEW_ALIGNMENT__) HeaderMemory::Block {
  Block* next;
  size_t size_class;

  static Block* Of(void* memory) { return static_cast<Block*>(memory) - 1; }
  size_t bytes() const { return kSmallest << size_class; }
};

HeaderMemory::HeaderMemory() {
  functions_.mem_user_data = this;
  functions_.malloc = [](size_t size, void* self) {
    return static_cast<HeaderMemory*>(self)->Take(size);
  };
  functions_.free = [](void* memory, void* self) {
    static_cast<HeaderMemory*>(self)->Return(memory);
  };
  functions_.calloc = [](size_t count, size_t size, void* self) {
    void* memory = size > 0 && count > SIZE_MAX / size
                       ? nullptr
                       : static_cast<HeaderMemory*>(self)->Take(count * size);
    if (memory != nullptr) std::memset(memory, 0, count * size);
    return memory;
  };
  functions_.realloc = [](void* memory, size_t size, void* self) {
    return static_cast<HeaderMemory*>(self)->Resize(memory, size);
  };
}

void* HeaderMemory::Take(size_t size) {
  if (size > most_bytes_) return nullptr;
  const size_t blocks = (size + sizeof(Block) + kSmallest - 1) / kSmallest;
  const auto size_class = static_cast<size_t>(std::countr_zero(std::bit_ceil(blocks)));
  if (size_class >= kClasses) return nullptr;
  Block* block = kept_[size_class];
  if (block != nullptr) {
    kept_[size_class] = block->next;
  } else {
    const size_t bytes = kSmallest << size_class;
    if (bytes_ + bytes > most_bytes_) Trim();
    if (bytes_ + bytes > most_bytes_) return nullptr;
    block = static_cast<Block*>(::operator new(bytes));
    block->size_class = size_class;
    bytes_ += bytes;
  }
  return block + 1;
}

void HeaderMemory::Return(void* memory) {
  if (memory == nullptr) return;
  Block* block = Block::Of(memory);
  block->next = kept_[block->size_class];
  kept_[block->size_class] = block;
}

void* HeaderMemory::Resize(void* memory, size_t size) {
  if (memory == nullptr) return Take(size);
  const size_t room = Block::Of(memory)->bytes() - sizeof(Block);
  if (size <= room) return memory;
  void* larger = Take(size);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, memory, room);
  Return(memory);
  return larger;
}

void HeaderMemory::Trim() {
  for (Block*& first : kept_) {
    while (first != nullptr) {
      Block* block = first;
      first = block->next;
      bytes_ -= block->bytes();
      ::operator delete(block);
    }
  }
}

}  // namespace leadline::agent::protocols::http2
