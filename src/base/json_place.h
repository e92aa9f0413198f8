// Where in a JSON text a value stands, for errors about what a value means: the readers of
// documents see values, people see lines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.h"

namespace keyturn {

// "line 3, column 7 (`/0/attrs/level`)": the place of `part`, which lies within `root` (the same
// object, not an equal one), in the text that `root` was read from. Only the pointer (RFC 6901) if
// the text is empty, "the top" when `part` is `root`.
std::string place_of(const Json& part, const Json& root, std::string_view text);

// The same for the value that begins at `offset` of a text that is known to be JSON.
std::string place_at(std::string_view text, std::size_t offset);
// Of each of many, in ascending order; one pass over the text.
std::vector<std::string> places_at(std::string_view text, const std::vector<std::size_t>& offsets);

// Where each value within `root` begins and ends in the text that `root` was read from: for readers
// that keep places of many values. Costs one pass over both; `root` must not move.
class JsonOffsets {
 public:
  struct Span {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  JsonOffsets() = default;  // knows no place
  JsonOffsets(const Json& root, std::string_view text);
  // Zeros for what is not within the root.
  Span of(const Json& part) const;

 private:
  std::unordered_map<const Json*, Span> spans_;
};

// Remembers the innermost value at which reading failed. Readers wrap their steps:
//   TRY(auto x, fault.at(json, read_step(json)));
class JsonFault {
 public:
  template <class T>
  Result<T> at(const Json& json, Result<T> result) {
    if (!result) note(json);
    return result;
  }
  // For a step that reads a member of `json`: the member is at fault, or `json` for lacking it.
  template <class T>
  Result<T> at_member(const Json& json, std::string_view key, Result<T> result) {
    const Json* member = json.find(key);
    return at(member == nullptr ? json : *member, std::move(result));
  }
  void note(const Json& json) {
    if (found_ == nullptr) found_ = &json;
  }
  // The error with the place of the fault; the same error when there is none to tell.
  Error placed(Error error, const Json& root, std::string_view text) const;

 private:
  const Json* found_ = nullptr;
};

}  // namespace keyturn
