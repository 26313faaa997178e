// What ends first, among many: a binary heap whose items know their place in it, so that one that
// is deleted early leaves in logarithmic time. A pointer an item, where a std::set has a node.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "upnpd/time.h"

namespace upnpd::core {

// `Item` has `BootTime end() const`, which stays the same while it is in the heap, and `std::size_t
// place_in_heap`, which is the heap's.
template <class Item>
class ExpiryHeap {
 public:
  // The item that ends first; none when the heap is empty.
  Item* first() const { return items_.empty() ? nullptr : items_.front(); }

  void push(Item& item) {
    items_.push_back(&item);
    rise(items_.size() - 1);
  }

  void erase(const Item& item) {
    const std::size_t place = item.place_in_heap;
    Item* const last = items_.back();
    items_.pop_back();
    if (last == &item) return;
    items_[place] = last;
    rise(place);
    sink(last->place_in_heap);
  }

 private:
  // Moves the item at `place` towards the front as far as it belongs, and notes where it is.
  void rise(std::size_t place) {
    while (place > 0 && items_[place]->end() < items_[(place - 1) / 2]->end()) {
      swap(place, (place - 1) / 2);
      place = (place - 1) / 2;
    }
    items_[place]->place_in_heap = place;
  }

  void sink(std::size_t place) {
    for (;;) {
      std::size_t least = place;
      for (const std::size_t child : {2 * place + 1, 2 * place + 2})
        if (child < items_.size() && items_[child]->end() < items_[least]->end()) least = child;
      if (least == place) return;
      swap(place, least);
      place = least;
    }
  }

  void swap(std::size_t a, std::size_t b) {
    std::swap(items_[a], items_[b]);
    items_[a]->place_in_heap = a;
    items_[b]->place_in_heap = b;
  }

  std::vector<Item*> items_;
};

}  // namespace upnpd::core
