#include "aws/chunked.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/bytes.h"

namespace keyturn::aws {
namespace {

constexpr std::size_t kBlockBytes = 32U << 10U;  // of one read from the client
constexpr std::size_t kLineBytesMax = 1'024;     // a chunk head is below 120, a trailer below 200
constexpr std::string_view kExtension = ";chunk-signature=";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";
constexpr std::size_t kSignatureBytes = 64;

bool has_signatures(Payload kind) { return kind != Payload::kUnsignedWithTrailer; }
bool has_trailer(Payload kind) { return kind != Payload::kChunks; }

std::string chunk_text(const ChunkSeed& seed, std::string_view previous, std::string_view data) {
  return fmt::format("AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{}\n{}", seed.timestamp, seed.scope,
                     previous, kEmptyDigest, crypto::sha256(data).hex());
}

std::string trailer_text(const ChunkSeed& seed, std::string_view previous,
                         const Trailers& trailers) {
  Trailers sorted = trailers;
  std::ranges::sort(sorted);
  std::string canonical;
  for (const auto& [name, value] : sorted) canonical += fmt::format("{}:{}\n", name, value);
  return fmt::format("AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}\n{}", seed.timestamp, seed.scope,
                     previous, crypto::sha256(canonical).hex());
}

// Lines and exact counts of bytes out of a body.
class Source {
 public:
  explicit Source(http::Body& body) : body_(body), buffer_(kBlockBytes, '\0') {}

  // What is buffered now, at most `bytes_max`; empty at the end of the body.
  http::Task<std::string_view> some(std::uint64_t bytes_max) {
    if (position_ == filled_) CO_TRY_VOID(co_await fill());
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(bytes_max, filled_ - position_));
    const std::string_view piece(buffer_.data() + position_, count);
    position_ += count;
    co_return piece;
  }

  // Up to CRLF, which is not part of it.
  http::Task<std::string> line() {
    std::string text;
    while (!text.ends_with('\n')) {
      if (position_ == filled_) CO_TRY_VOID(co_await fill());
      if (filled_ == 0) co_return fail(Code::kInvalid, "the aws-chunked body ends within a line");
      const std::string_view rest(buffer_.data() + position_, filled_ - position_);
      const std::string_view piece = rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1);
      if (text.size() + piece.size() > kLineBytesMax) {
        co_return fail(Code::kInvalid, "a line of the aws-chunked body exceeds {} bytes",
                       kLineBytesMax);
      }
      text += piece;
      position_ += piece.size();
    }
    if (!text.ends_with("\r\n")) {
      co_return fail(Code::kInvalid, "a line of the aws-chunked body that does not end in CRLF");
    }
    text.resize(text.size() - 2);
    co_return text;
  }

  http::Task<> expect_end() {
    CO_TRY(const std::string_view piece, co_await some(1));
    if (!piece.empty()) co_return fail(Code::kInvalid, "bytes after the aws-chunked body's end");
    co_return Result<void>();
  }

 private:
  // Leaves nothing buffered at the end of the body.
  http::Task<> fill() {
    position_ = 0;
    filled_ = 0;
    const std::span<char> into(buffer_);
    CO_TRY(filled_, co_await body_.read(into));
    co_return Result<void>();
  }

  http::Body& body_;
  std::string buffer_;
  std::size_t position_ = 0;
  std::size_t filled_ = 0;
};

struct ChunkHead {
  std::uint64_t size = 0;
  std::string signature;
};

Result<ChunkHead> parse_head(std::string_view line, Payload kind) {
  ChunkHead head;
  const std::size_t semicolon = std::min(line.find(';'), line.size());
  const std::string_view digits = line.substr(0, semicolon);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), head.size, 16);
  if (digits.empty() || digits.size() > 16 || parsed.ec != std::errc() ||
      parsed.ptr != digits.data() + digits.size()) {
    return fail(Code::kInvalid, "a chunk size that is no hexadecimal number");
  }
  const std::string_view extension = line.substr(semicolon);
  if (!has_signatures(kind)) {
    if (!extension.empty()) return fail(Code::kInvalid, "an unsigned chunk with an extension");
    return head;
  }
  if (!extension.starts_with(kExtension) ||
      extension.size() != kExtension.size() + kSignatureBytes) {
    return fail(Code::kInvalid, "a chunk without `chunk-signature` of 64 hex digits");
  }
  head.signature = extension.substr(kExtension.size());
  return head;
}

class Reader final : public ChunkedReader {
 public:
  Reader(http::Body& source, ChunkedOptions options)
      : source_(source), options_(std::move(options)), previous_(options_.seed.signature) {}

  std::optional<std::uint64_t> length() const override { return options_.decoded_bytes; }
  const Trailers& trailers() const override { return trailers_; }

  http::Task<std::size_t> read(std::span<char> into) override {
    if (failed_) co_return fail(*failed_);
    if (ended_ || into.empty()) co_return std::size_t{0};
    // Not a conditional expression: GCC 12.2 destroys what is awaited there twice.
    Result<std::size_t> count = std::size_t{0};
    if (has_signatures(options_.kind)) {
      count = co_await read_verified(into);
    } else {
      count = co_await read_unsigned(into);
    }
    if (!count) failed_ = count.error();
    co_return count;
  }

 private:
  http::Task<std::size_t> read_unsigned(std::span<char> into) {
    if (left_in_chunk_ == 0) {
      CO_TRY(const ChunkHead head, co_await next_head());
      if (head.size == 0) {
        CO_TRY_VOID(co_await finish());
        co_return std::size_t{0};
      }
      left_in_chunk_ = head.size;
    }
    const std::uint64_t wanted = std::min<std::uint64_t>(left_in_chunk_, into.size());
    CO_TRY(const std::string_view piece, co_await source_.some(wanted));
    if (piece.empty()) co_return fail(Code::kInvalid, "the body ends within a chunk");
    std::ranges::copy(piece, into.begin());
    left_in_chunk_ -= piece.size();
    if (left_in_chunk_ == 0) CO_TRY_VOID(co_await end_of_chunk());
    co_return piece.size();
  }

  http::Task<std::size_t> read_verified(std::span<char> into) {
    if (position_ == chunk_.size()) {
      CO_TRY(const ChunkHead head, co_await next_head());
      CO_TRY_VOID(co_await load(head));
      if (head.size == 0) {
        CO_TRY_VOID(co_await finish());
        co_return std::size_t{0};
      }
    }
    const std::size_t count = std::min(into.size(), chunk_.size() - position_);
    std::copy_n(chunk_.data() + position_, count, into.data());
    position_ += count;
    co_return count;
  }

  http::Task<ChunkHead> next_head() {
    CO_TRY(const std::string line, co_await source_.line());
    CO_TRY(ChunkHead head, parse_head(line, options_.kind));
    if (head.size > options_.decoded_bytes - total_) {
      co_return fail(Code::kInvalid, "the chunks hold more than x-amz-decoded-content-length");
    }
    if (has_signatures(options_.kind) && head.size > kSignedChunkBytesMax) {
      co_return fail(Code::kInvalid, "a signed chunk of more than {} bytes", kSignedChunkBytesMax);
    }
    total_ += head.size;
    if (head.size == 0 && total_ != options_.decoded_bytes) {
      co_return fail(Code::kInvalid, "the chunks hold less than x-amz-decoded-content-length");
    }
    co_return head;
  }

  // Reads a signed chunk whole and verifies it.
  http::Task<> load(const ChunkHead& head) {
    chunk_.clear();
    position_ = 0;
    while (chunk_.size() < head.size) {
      CO_TRY(const std::string_view piece, co_await source_.some(head.size - chunk_.size()));
      if (piece.empty()) co_return fail(Code::kInvalid, "the body ends within a chunk");
      chunk_ += piece;
    }
    if (!verify(chunk_text(options_.seed, previous_, chunk_), head.signature)) {
      chunk_.clear();
      co_return fail(Code::kDenied, "the signature of a chunk does not match");
    }
    previous_ = head.signature;
    if (head.size > 0) CO_TRY_VOID(co_await end_of_chunk());
    co_return Result<void>();
  }

  http::Task<> end_of_chunk() {
    CO_TRY(const std::string line, co_await source_.line());
    if (!line.empty()) co_return fail(Code::kInvalid, "a chunk that does not end where it said");
    co_return Result<void>();
  }

  // What follows the empty chunk: trailers, their signature, an empty line, nothing.
  http::Task<> finish() {
    std::string signature;
    for (std::size_t lines = 0;; ++lines) {
      CO_TRY(const std::string line, co_await source_.line());
      if (line.empty()) break;
      if (!has_trailer(options_.kind) || lines > kTrailersMax || !signature.empty()) {
        co_return fail(Code::kInvalid, "a trailer that does not belong here");
      }
      const std::size_t colon = std::min(line.find(':'), line.size());
      const std::string name = to_lower(std::string_view(line).substr(0, colon));
      const std::string_view value =
          trim(std::string_view(line).substr(std::min(colon + 1, line.size())));
      if (name == kTrailerSignature && has_signatures(options_.kind)) {
        signature = value;
        continue;
      }
      CO_TRY_VOID(add_trailer(name, value));
    }
    if (trailers_.size() != (has_trailer(options_.kind) ? options_.trailer_names.size() : 0)) {
      co_return fail(Code::kInvalid, "a trailer that x-amz-trailer announces is missing");
    }
    if (options_.kind == Payload::kChunksWithTrailer &&
        !verify(trailer_text(options_.seed, previous_, trailers_), signature)) {
      co_return fail(Code::kDenied, "the signature of the trailer does not match");
    }
    CO_TRY_VOID(co_await source_.expect_end());
    ended_ = true;
    co_return Result<void>();
  }

  Result<void> add_trailer(const std::string& name, std::string_view value) {
    const bool announced =
        std::ranges::find(options_.trailer_names, name) != options_.trailer_names.end();
    const bool repeated =
        std::ranges::find(trailers_, name, &Trailers::value_type::first) != trailers_.end();
    const bool plain = std::ranges::all_of(value, [](char c) { return c > ' ' && c < 0x7F; });
    if (!announced || repeated || !plain || value.empty()) {
      return fail(Code::kInvalid, "the trailer `{}` is not announced, repeated or no plain value",
                  printable(name, 64));
    }
    trailers_.emplace_back(name, value);
    return {};
  }

  bool verify(std::string_view text, std::string_view signature) const {
    return crypto::equal_in_constant_time(crypto::hmac_sha256(options_.key->view(), text).hex(),
                                          signature);
  }

  Source source_;
  const ChunkedOptions options_;
  std::string previous_;  // signature
  std::string chunk_;     // signed kinds: the verified chunk
  std::size_t position_ = 0;
  std::uint64_t left_in_chunk_ = 0;  // unsigned kind
  std::uint64_t total_ = 0;
  Trailers trailers_;
  bool ended_ = false;
  std::optional<Error> failed_;
};

// Base64 lengths of the checksums that S3 knows.
std::optional<std::size_t> checksum_bytes(std::string_view trailer) {
  constexpr std::pair<std::string_view, std::size_t> kLengths[] = {{"x-amz-checksum-crc32", 8},
                                                                   {"x-amz-checksum-crc32c", 8},
                                                                   {"x-amz-checksum-crc64nvme", 12},
                                                                   {"x-amz-checksum-sha1", 28},
                                                                   {"x-amz-checksum-sha256", 44}};
  for (const auto& [name, bytes] : kLengths) {
    if (name == trailer) return bytes;
  }
  return std::nullopt;
}

class Writer final : public http::Body {
 public:
  Writer(ChunkedReader& reader, ChunkedOptions options, std::string date, UpstreamScope scope,
         std::shared_ptr<const vault::Signer> signer)
      : reader_(reader),
        options_(std::move(options)),
        date_(std::move(date)),
        scope_(std::move(scope)),
        signer_(std::move(signer)),
        previous_(options_.seed.signature),
        data_(kUpstreamChunkBytes, '\0') {}

  std::optional<std::uint64_t> length() const override {
    const std::uint64_t full = options_.decoded_bytes / kUpstreamChunkBytes;
    const std::uint64_t rest = options_.decoded_bytes % kUpstreamChunkBytes;
    std::uint64_t total = full * frame_bytes(kUpstreamChunkBytes);
    if (rest > 0) total += frame_bytes(rest);
    total += frame_bytes(0) - 2;
    if (has_trailer(options_.kind)) {
      for (const std::string& name : options_.trailer_names) {
        const auto bytes = checksum_bytes(name);
        if (!bytes) return std::nullopt;
        total += name.size() + 1 + *bytes + 2;
      }
      if (has_signatures(options_.kind)) {
        total += kTrailerSignature.size() + 1 + kSignatureBytes + 2;
      }
    }
    return total + 2;
  }

  http::Task<std::size_t> read(std::span<char> into) override {
    if (position_ == frame_.size() && !last_) CO_TRY_VOID(co_await next_frame());
    const std::size_t count = std::min(into.size(), frame_.size() - position_);
    std::copy_n(frame_.data() + position_, count, into.data());
    position_ += count;
    co_return count;
  }

 private:
  std::uint64_t frame_bytes(std::uint64_t data) const {
    const std::uint64_t extension =
        has_signatures(options_.kind) ? kExtension.size() + kSignatureBytes : 0;
    return fmt::formatted_size("{:x}", data) + extension + 2 + data + 2;
  }

  http::Task<> next_frame() {
    std::size_t filled = 0;
    while (filled < data_.size()) {
      const std::span<char> rest = std::span<char>(data_).subspan(filled);
      CO_TRY(const std::size_t count, co_await reader_.read(rest));
      if (count == 0) break;
      filled += count;
    }
    const std::string_view data = std::string_view(data_).substr(0, filled);
    frame_ = fmt::format("{:x}", filled);
    position_ = 0;
    if (has_signatures(options_.kind)) {
      previous_ = sign(chunk_text(options_.seed, previous_, data));
      frame_ += kExtension;
      frame_ += previous_;
    }
    frame_ += "\r\n";
    frame_ += data;
    if (filled > 0) {
      frame_ += "\r\n";
      co_return Result<void>();
    }
    last_ = true;
    for (const auto& [name, value] : reader_.trailers()) {
      frame_ += fmt::format("{}:{}\r\n", name, value);
    }
    if (options_.kind == Payload::kChunksWithTrailer) {
      frame_ += fmt::format("{}:{}\r\n", kTrailerSignature,
                            sign(trailer_text(options_.seed, previous_, reader_.trailers())));
    }
    frame_ += "\r\n";
    co_return Result<void>();
  }

  std::string sign(std::string_view text) const {
    return signer_->sign(date_, scope_.region, scope_.service, text);
  }

  ChunkedReader& reader_;
  const ChunkedOptions options_;
  const std::string date_;
  const UpstreamScope scope_;
  const std::shared_ptr<const vault::Signer> signer_;  // the vault may rotate under the request
  std::string previous_;
  std::string data_;
  std::string frame_;
  std::size_t position_ = 0;
  bool last_ = false;
};

// One block behind its source, so that the last block waits for the digest of the whole.
class DigestCheckingBody final : public http::Body {
 public:
  DigestCheckingBody(http::Body& source, std::string digest)
      : source_(source), digest_(std::move(digest)), block_(kBlockBytes, '\0') {}

  std::optional<std::uint64_t> length() const override { return source_.length(); }

  http::Task<std::size_t> read(std::span<char> into) override {
    if (failed_) co_return fail(Code::kDenied, "the body is not the one that was signed");
    if (position_ == held_.size() && !ended_) CO_TRY_VOID(co_await advance());
    const std::size_t count = std::min(into.size(), held_.size() - position_);
    std::copy_n(held_.data() + position_, count, into.data());
    position_ += count;
    co_return count;
  }

 private:
  // Hands out the block held back once the next one is here, or the digest is right.
  http::Task<> advance() {
    for (;;) {
      held_ = std::move(next_);
      position_ = 0;
      next_.clear();
      const std::span<char> into(block_);
      CO_TRY(const std::size_t count, co_await source_.read(into));
      if (count == 0) {
        ended_ = true;
        failed_ = hash_.finish().hex() != digest_;
        if (failed_) {
          held_.clear();
          co_return fail(Code::kDenied, "the body is not the one that was signed");
        }
        co_return Result<void>();
      }
      next_.assign(block_.data(), count);
      hash_.update(next_);
      if (!held_.empty()) co_return Result<void>();
    }
  }

  http::Body& source_;
  const std::string digest_;
  crypto::Sha256 hash_;
  std::string block_;
  std::string held_;
  std::string next_;
  std::size_t position_ = 0;
  bool ended_ = false;
  bool failed_ = false;
};

}  // namespace

Checked<ChunkedOptions> read_chunked_options(const http::Headers& headers, Payload kind) {
  ChunkedOptions options;
  options.kind = kind;
  const std::string_view length = headers.find("x-amz-decoded-content-length").value_or("");
  const auto parsed =
      std::from_chars(length.data(), length.data() + length.size(), options.decoded_bytes);
  if (length.empty() || length.size() > 15 || parsed.ec != std::errc() ||
      parsed.ptr != length.data() + length.size()) {
    return refuse(Fault::kMalformed, "x-amz-decoded-content-length is no number of bytes");
  }
  std::string_view names = headers.find("x-amz-trailer").value_or("");
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    std::string name = to_lower(trim(names.substr(0, comma)));
    names.remove_prefix(std::min(comma + 1, names.size()));
    const bool repeated =
        std::ranges::find(options.trailer_names, name) != options.trailer_names.end();
    if (!name.starts_with("x-amz-") || name == kTrailerSignature || repeated ||
        options.trailer_names.size() == kTrailersMax) {
      return refuse(Fault::kMalformed, "x-amz-trailer must name up to {} distinct x-amz- trailers",
                    kTrailersMax);
    }
    options.trailer_names.push_back(std::move(name));
  }
  if (has_trailer(kind) == options.trailer_names.empty()) {
    return refuse(Fault::kMalformed,
                  "x-amz-trailer must be there exactly when x-amz-content-sha256 ends in -TRAILER");
  }
  return options;
}

std::unique_ptr<ChunkedReader> ChunkedReader::create(http::Body& source, ChunkedOptions options) {
  CHECK(!has_signatures(options.kind) || options.key != nullptr);
  return std::make_unique<Reader>(source, std::move(options));
}

std::unique_ptr<http::Body> make_chunked_writer(ChunkedReader& reader, ChunkedOptions upstream,
                                                std::string date, UpstreamScope scope,
                                                std::shared_ptr<const vault::Signer> signer) {
  return std::make_unique<Writer>(reader, std::move(upstream), std::move(date), std::move(scope),
                                  std::move(signer));
}

std::unique_ptr<http::Body> make_digest_checking_body(http::Body& source, std::string digest_hex) {
  return std::make_unique<DigestCheckingBody>(source, std::move(digest_hex));
}

}  // namespace keyturn::aws
