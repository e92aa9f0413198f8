// Takes chunked framing (RFC 9112 section 7.1) off a body, byte for byte as it comes. Beast's own
// decoder aborts in an assertion when the last chunk arrives in small pieces, so bodies never pass
// through it. Extensions and trailers are checked for control characters, bounded and dropped.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"

namespace keyturn::http {

class ChunkDecoder {
 public:
  struct Step {
    std::size_t consumed = 0;  // of the input
    std::size_t produced = 0;  // of the output
  };
  // Goes as far as input and output allow, at most to the end of the body. kInvalid: broken
  // framing.
  Result<Step> step(std::string_view input, std::span<char> output);
  bool done() const { return state_ == State::kDone; }

 private:
  enum class State {
    kSize,
    kExtension,
    kSizeFeed,
    kData,
    kDataReturn,
    kDataFeed,
    kTrailerStart,
    kTrailer,
    kTrailerFeed,
    kEndFeed,
    kDone,
  };
  Result<void> take(char c);
  Result<void> take_size(char c);
  Result<void> take_trailer(char c);

  State state_ = State::kSize;
  std::uint64_t left_ = 0;  // of the chunk being read
  int size_digits_ = 0;
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
};

}  // namespace keyturn::http
