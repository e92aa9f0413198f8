// The log of docs/format/ledger.md, "Test vectors", and a tree over leaves in memory.
#pragma once

#include <bit>
#include <string>
#include <vector>

#include "ledger/proof.h"
#include "ledger/tree.h"

namespace keyturn::ledger {

inline std::string sample_entry(std::uint64_t index) {
  return fmt::format(R"({{"seq":{},"action":"tool.call","verdict":"{}"}})", index,
                     index % 7 == 0 ? "hold" : "allow");
}

class MemoryTree {
 public:
  void append(const Digest& leaf) {
    edge_.append(leaf);
    roots_.push_back(edge_.root());
    if (levels_.empty()) levels_.emplace_back();
    levels_[0].push_back(leaf);
    for (std::size_t level = 0; levels_[level].size() % 2 == 0; ++level) {
      if (levels_.size() == level + 1) levels_.emplace_back();
      const std::vector<Digest>& below = levels_[level];
      levels_[level + 1].push_back(node_hash(below[below.size() - 2], below.back()));
    }
  }
  void append_samples(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) append(leaf_hash(sample_entry(i)));
  }
  std::uint64_t size() const { return edge_.size(); }
  Tree tree(std::uint64_t size) const {
    return {size, size == 0 ? RightEdge().root() : roots_.at(size - 1)};
  }
  Leaf leaf(std::uint64_t index) const { return {index, levels_[0].at(index)}; }
  // Fails for what is not there, as a reader of a smaller tree would.
  ReadNode reader() const {
    return [this](unsigned level, std::uint64_t index) -> Result<Digest> {
      if (level >= levels_.size() || index >= levels_[level].size()) {
        return fail(Code::kNotFound, "no node {} at level {}", index, level);
      }
      return levels_[level][index];
    };
  }

 private:
  RightEdge edge_;
  std::vector<Digest> roots_;
  std::vector<std::vector<Digest>> levels_;
};

}  // namespace keyturn::ledger
