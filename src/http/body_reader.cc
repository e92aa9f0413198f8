#include "http/body_reader.h"

#include <cstring>

namespace keyturn::http {
namespace {

constexpr std::size_t kFirstBytes = 4U << 10U;  // most heads fit
// Chunk heads and small chunks are taken from the buffer; reading more at once gains little.
constexpr std::size_t kChunkReadBytes = 16U << 10U;

}  // namespace

void ReadBuffer::consume(std::size_t count) {
  begin_ += count;
  if (begin_ == end_) begin_ = end_ = 0;
}

std::span<char> ReadBuffer::prepare(std::size_t bytes) {
  if (capacity_ - end_ < bytes) {
    const std::size_t used = end_ - begin_;
    if (capacity_ - used < bytes) {
      const std::size_t capacity = std::max({kFirstBytes, capacity_ * 2, used + bytes});
      auto grown = std::make_unique_for_overwrite<char[]>(capacity);
      if (used > 0) std::memcpy(grown.get(), data_.get() + begin_, used);
      data_ = std::move(grown);
      capacity_ = capacity;
    } else if (used > 0) {
      std::memmove(data_.get(), data_.get() + begin_, used);
    }
    begin_ = 0;
    end_ = used;
  }
  return {data_.get() + end_, capacity_ - end_};
}

void ReadBuffer::release() {
  if (!empty()) return;
  data_.reset();
  capacity_ = begin_ = end_ = 0;
}

BodyReader::BodyReader(Stream& stream, ReadBuffer& buffer, Options options)
    : stream_(stream),
      buffer_(buffer),
      options_(options),
      left_(options.framing.kind == Framing::Kind::kLength ? options.framing.length : 0) {
  done_ = options_.framing.kind == Framing::Kind::kNone ||
          (options_.framing.kind == Framing::Kind::kLength && left_ == 0);
}

Task<std::size_t> BodyReader::read(std::span<char> into) {
  if (done_) co_return std::size_t{0};
  if (failed_) co_return fail(Code::kConflict, "the body has failed before");
  CHECK(!into.empty());
  // Not a conditional expression: GCC 12.2 destroys the result of a co_await inside one twice.
  Result<std::size_t> count = std::size_t{0};
  if (options_.framing.kind == Framing::Kind::kChunked) {
    count = co_await read_chunked(into);
  } else {
    count = co_await read_plain(into);
  }
  if (count) {
    bytes_read_ += *count;
  } else {
    failed_ = true;
  }
  co_return count;
}

Task<std::size_t> BodyReader::read_plain(std::span<char> into) {
  const bool sized = options_.framing.kind == Framing::Kind::kLength;
  if (sized && left_ < into.size()) into = into.first(static_cast<std::size_t>(left_));
  std::size_t count = 0;
  if (!buffer_.empty()) {
    const std::string_view ready = buffer_.view();
    count = std::min(ready.size(), into.size());
    std::memcpy(into.data(), ready.data(), count);
    buffer_.consume(count);
  } else {
    CO_TRY(count, co_await stream_.read_some(into, deadline_after(options_.timeout)));
  }
  if (!sized) {
    done_ = count == 0;
    co_return count;
  }
  if (count == 0) {
    co_return fail(Code::kUnavailable, "the peer left with {} bytes of the body missing", left_);
  }
  left_ -= count;
  done_ = left_ == 0;
  co_return count;
}

Task<std::size_t> BodyReader::read_chunked(std::span<char> into) {
  while (true) {
    if (!buffer_.empty()) {
      Result<ChunkDecoder::Step> step = decoder_.step(buffer_.view(), into);
      if (!step) co_return fail(options_.broken, "{}", step.error().message);
      buffer_.consume(step->consumed);
      // The end is looked for at once, so that an unread remainder is not mistaken for a request.
      if (decoder_.done()) done_ = true;
      if (step->produced > 0 || done_) co_return step->produced;
    }
    std::span<char> room = buffer_.prepare(kChunkReadBytes);
    CO_TRY(const std::size_t count,
           co_await stream_.read_some(room, deadline_after(options_.timeout)));
    if (count == 0) co_return fail(Code::kUnavailable, "the peer left in the middle of a body");
    buffer_.commit(count);
  }
}

}  // namespace keyturn::http
