#include "http/chunk_decoder.h"

#include <algorithm>
#include <cstring>

namespace keyturn::http {
namespace {

// 2^60 bytes is more than any body, and cannot overflow.
constexpr int kSizeDigitsMax = 15;
// Nothing we know sends an extension; a longer one is an attempt to be expensive.
constexpr std::size_t kExtensionBytesMax = 256;
constexpr std::size_t kTrailerBytesMax = 8U << 10U;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

}  // namespace

Result<void> ChunkDecoder::take_size(char c) {
  const int digit = hex_value(c);
  if (digit >= 0) {
    if (++size_digits_ > kSizeDigitsMax) return fail(Code::kInvalid, "a chunk size is too long");
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    return {};
  }
  if (size_digits_ == 0) return fail(Code::kInvalid, "a chunk has no size");
  if (c == '\r') {
    state_ = State::kSizeFeed;
  } else if (c == ';') {
    extension_bytes_ = 0;
    state_ = State::kExtension;
  } else {
    return fail(Code::kInvalid, "a chunk size is not hexadecimal");
  }
  return {};
}

Result<void> ChunkDecoder::take_trailer(char c) {
  if (++trailer_bytes_ > kTrailerBytesMax) {
    return fail(Code::kInvalid, "trailers of more than {} bytes", kTrailerBytesMax);
  }
  if (c == '\r') {
    state_ = state_ == State::kTrailerStart ? State::kEndFeed : State::kTrailerFeed;
    return {};
  }
  if (is_control(c)) return fail(Code::kInvalid, "a control character in a trailer");
  state_ = State::kTrailer;
  return {};
}

Result<void> ChunkDecoder::take(char c) {
  const auto expect = [this, c](char wanted, State next) -> Result<void> {
    if (c != wanted) return fail(Code::kInvalid, "a chunk does not end in CRLF");
    state_ = next;
    return {};
  };
  switch (state_) {
    case State::kSize:
      return take_size(c);
    case State::kExtension:
      if (c == '\r') {
        state_ = State::kSizeFeed;
        return {};
      }
      if (is_control(c) || ++extension_bytes_ > kExtensionBytesMax) {
        return fail(Code::kInvalid, "a chunk extension is malformed or too long");
      }
      return {};
    case State::kSizeFeed:
      return expect('\n', left_ == 0 ? State::kTrailerStart : State::kData);
    case State::kDataReturn:
      return expect('\r', State::kDataFeed);
    case State::kDataFeed:
      size_digits_ = 0;
      return expect('\n', State::kSize);
    case State::kTrailerStart:
    case State::kTrailer:
      return take_trailer(c);
    case State::kTrailerFeed:
      return expect('\n', State::kTrailerStart);
    case State::kEndFeed:
      return expect('\n', State::kDone);
    case State::kData:
    case State::kDone:
      break;
  }
  return fail(Code::kInternal, "chunk decoder out of step");
}

Result<ChunkDecoder::Step> ChunkDecoder::step(std::string_view input, std::span<char> output) {
  Step step;
  while (!done() && step.consumed < input.size()) {
    if (state_ != State::kData) {
      TRY_VOID(take(input[step.consumed]));
      ++step.consumed;
      continue;
    }
    const std::size_t room = output.size() - step.produced;
    if (room == 0) break;
    const std::size_t count = static_cast<std::size_t>(
        std::min<std::uint64_t>(left_, std::min(room, input.size() - step.consumed)));
    std::memcpy(output.data() + step.produced, input.data() + step.consumed, count);
    step.consumed += count;
    step.produced += count;
    left_ -= count;
    if (left_ == 0) state_ = State::kDataReturn;
  }
  return step;
}

}  // namespace keyturn::http
