#include "aws/model_trie.h"

#include <algorithm>

namespace keyturn::aws {
namespace {

enum class Kind { kLiteral, kLabel, kGreedy, kMalformed };

Kind kind_of(std::string_view segment) {
  if (!segment.starts_with('{')) {
    const bool plain = segment.find_first_of("{}") == std::string_view::npos;
    return plain ? Kind::kLiteral : Kind::kMalformed;
  }
  if (segment.size() < 3 || !segment.ends_with('}')) return Kind::kMalformed;
  return segment.ends_with("+}") ? Kind::kGreedy : Kind::kLabel;
}

}  // namespace

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return segments;
  while (true) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

std::uint32_t RouteTrie::literal_child(std::uint32_t node, std::string_view segment) {
  const auto before = [](const auto& entry, std::string_view key) { return entry.first < key; };
  auto& literals = nodes_[node].literals;
  auto found = std::lower_bound(literals.begin(), literals.end(), segment, before);
  if (found != literals.end() && found->first == segment) return found->second;
  const auto child = static_cast<std::uint32_t>(nodes_.size());
  literals.insert(found, {segment, child});
  nodes_.emplace_back();
  return child;
}

std::uint32_t RouteTrie::label_child(std::uint32_t node) {
  if (nodes_[node].label == 0) {
    nodes_[node].label = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
  }
  return nodes_[node].label;
}

bool RouteTrie::add(std::string_view method, std::string_view path, std::uint32_t operation) {
  if (nodes_.empty()) nodes_.emplace_back();
  const std::vector<std::string_view> segments = split_path(path);
  if (segments.size() > kDepthMax) return false;
  std::uint32_t node = 0;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    switch (kind_of(segments[i])) {
      case Kind::kLiteral:
        node = literal_child(node, segments[i]);
        break;
      case Kind::kLabel:
        node = label_child(node);
        break;
      case Kind::kGreedy: {
        Greedy greedy{{}, {method, operation}};
        greedy.suffix.assign(segments.begin() + static_cast<std::ptrdiff_t>(i) + 1, segments.end());
        nodes_[node].greedy.push_back(std::move(greedy));
        return true;
      }
      case Kind::kMalformed:
        return false;
    }
  }
  nodes_[node].ends.push_back({method, operation});
  return true;
}

struct RouteTrie::Search {
  std::string_view method;
  std::span<const std::string_view> segments;
  std::size_t best = 0;  // literal segments of the best match, doubled: a greedy label costs one
  std::vector<std::uint32_t> found = {};

  void offer(std::size_t score, std::uint32_t operation) {
    if (!found.empty() && score < best) return;
    if (score > best) found.clear();
    best = score;
    found.push_back(operation);
  }
};

void RouteTrie::search(Search& search, std::uint32_t index, std::size_t depth,
                       std::size_t literals) const {
  const Node& node = nodes_[index];
  const std::size_t left = search.segments.size() - depth;
  if (left == 0) {
    for (const End& end : node.ends) {
      if (end.method == search.method) search.offer(2 * literals + 1, end.operation);
    }
    return;
  }
  const std::string_view segment = search.segments[depth];
  const auto before = [](const auto& entry, std::string_view key) { return entry.first < key; };
  const auto literal =
      std::lower_bound(node.literals.begin(), node.literals.end(), segment, before);
  if (literal != node.literals.end() && literal->first == segment) {
    this->search(search, literal->second, depth + 1, literals + 1);
  }
  if (node.label != 0 && !segment.empty()) this->search(search, node.label, depth + 1, literals);
  for (const Greedy& greedy : node.greedy) {
    if (greedy.end.method != search.method || left <= greedy.suffix.size()) continue;
    if (std::equal(greedy.suffix.begin(), greedy.suffix.end(),
                   search.segments.end() - static_cast<std::ptrdiff_t>(greedy.suffix.size()))) {
      search.offer(2 * (literals + greedy.suffix.size()), greedy.end.operation);
    }
  }
}

RouteTrie::Found RouteTrie::find(std::string_view method,
                                 std::span<const std::string_view> segments) const {
  Search search{.method = method, .segments = segments};
  if (!nodes_.empty()) this->search(search, 0, 0, 0);
  return {search.best, std::move(search.found)};
}

}  // namespace keyturn::aws
