// Finds the REST operations whose URI template a path matches. Its segments were split at `/`
// before each was decoded. Literal segments win over labels; what still matches is for the caller
// to tell apart by query and headers.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace keyturn::aws {

class RouteTrie {
 public:
  // Deeper than any of AWS's templates; bounds recursion. A path may have more segments: they are
  // for greedy labels.
  static constexpr std::size_t kDepthMax = 32;

  // `path` is a URI template without its query. False when it is malformed.
  bool add(std::string_view method, std::string_view path, std::uint32_t operation);
  struct Found {
    std::size_t literals = 0;  // how literal the match is; comparable between tries
    std::vector<std::uint32_t> operations;
  };
  // The operations with the longest literal match, or none.
  Found find(std::string_view method, std::span<const std::string_view> segments) const;
  bool empty() const { return nodes_.empty(); }

 private:
  struct End {
    std::string_view method;
    std::uint32_t operation = 0;
  };
  struct Greedy {
    std::vector<std::string_view> suffix;
    End end;
  };
  struct Node {
    std::vector<std::pair<std::string_view, std::uint32_t>> literals;  // sorted
    std::uint32_t label = 0;                                           // 0: none
    std::vector<End> ends;
    std::vector<Greedy> greedy;
  };
  struct Search;

  std::uint32_t literal_child(std::uint32_t node, std::string_view segment);
  std::uint32_t label_child(std::uint32_t node);
  void search(Search& search, std::uint32_t node, std::size_t depth, std::size_t literals) const;

  std::vector<Node> nodes_;
};

// At `/`, without the first; a single trailing slash ends nothing. `/a//b` has an empty segment.
std::vector<std::string_view> split_path(std::string_view path);

}  // namespace keyturn::aws
