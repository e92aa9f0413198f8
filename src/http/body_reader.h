// What has been read from a connection and not yet used, and the reader that takes a body off it by
// its framing. Both belong to one connection.
#pragma once

#include "http/chunk_decoder.h"
#include "http/framing.h"
#include "http/stream.h"

namespace keyturn::http {

// A copy between sockets moves through pieces of this size: large enough to amortise a system call,
// small enough for thousands of streams.
inline constexpr std::size_t kPieceBytes = 64U << 10U;

// Bytes in order; grows on demand up to what its user asks for, and gives its memory back when
// empty.
class ReadBuffer {
 public:
  std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  void consume(std::size_t count);
  // Room for at least `bytes` more.
  std::span<char> prepare(std::size_t bytes);
  void commit(std::size_t count) { end_ += count; }
  // Frees the memory if nothing is in it.
  void release();

 private:
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

class BodyReader {
 public:
  struct Options {
    Framing framing;
    Code broken = Code::kInvalid;  // the code of broken framing
    Duration timeout{};            // between two reads
  };
  // Stream and buffer outlive the reader.
  BodyReader(Stream& stream, ReadBuffer& buffer, Options options);

  Task<std::size_t> read(std::span<char> into);
  bool done() const { return done_; }
  bool failed() const { return failed_; }
  const Framing& framing() const { return options_.framing; }
  // Of a body with a length: what is still to come.
  std::uint64_t left() const { return left_; }
  std::uint64_t bytes_read() const { return bytes_read_; }
  void set_timeout(Duration timeout) { options_.timeout = timeout; }

 private:
  Task<std::size_t> read_plain(std::span<char> into);
  Task<std::size_t> read_chunked(std::span<char> into);

  Stream& stream_;
  ReadBuffer& buffer_;
  Options options_;
  ChunkDecoder decoder_;
  std::uint64_t left_ = 0;
  std::uint64_t bytes_read_ = 0;
  bool done_ = false;
  bool failed_ = false;
};

}  // namespace keyturn::http
