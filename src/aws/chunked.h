// aws-chunked: the framing inside S3 upload bodies, with a signature per chunk or with trailing
// checksums. Reading verifies before a byte is passed on; writing frames and signs anew for
// upstream. Source: S3 API Reference, "Signature calculations for the Authorization header:
// transferring payload in multiple chunks" and "… including trailing headers". Everything belongs
// to one event loop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aws/sigv4.h"
#include "http/http.h"

namespace keyturn::aws {

// A signed chunk is held whole until its signature is verified. SDKs send 64 KiB to 1 MiB.
inline constexpr std::uint64_t kSignedChunkBytesMax = 8U << 20U;
// Our own chunks upstream; S3 asks for at least 8 KiB.
inline constexpr std::size_t kUpstreamChunkBytes = 64U << 10U;
inline constexpr std::size_t kTrailersMax = 8;  // one checksum is usual

// What the chunk signatures hang on.
struct ChunkSeed {
  std::string timestamp;
  std::string scope;      // 20150830/us-east-1/s3/aws4_request
  std::string signature;  // of the request; each chunk signs over the one before
};
using Trailers = std::vector<std::pair<std::string, std::string>>;

struct ChunkedOptions {
  Payload kind = Payload::kChunks;         // a streaming one
  std::uint64_t decoded_bytes = 0;         // x-amz-decoded-content-length
  std::vector<std::string> trailer_names;  // x-amz-trailer, lower case
  ChunkSeed seed;
  SigningKeys::Key key;  // of the seed; unused for kUnsignedWithTrailer
};
// From a request's headers; the seed and key are the caller's.
Checked<ChunkedOptions> read_chunked_options(const http::Headers& headers, Payload kind);

// The decoded bytes of an aws-chunked body. read() fails with kInvalid on broken framing and
// kDenied on a wrong signature, before any byte of that chunk is handed out.
class ChunkedReader : public http::Body {
 public:
  static std::unique_ptr<ChunkedReader> create(http::Body& source, ChunkedOptions options);
  // After read() returned 0.
  virtual const Trailers& trailers() const = 0;
};

// Frames what `reader` yields for upstream. For signed kinds each chunk is signed by `signer` in
// the scope of `seed`. Its length is known when the trailers' lengths are.
std::unique_ptr<http::Body> make_chunked_writer(ChunkedReader& reader, ChunkedOptions upstream,
                                                std::string date, UpstreamScope scope,
                                                std::shared_ptr<const vault::Signer> signer);

// Passes a body on while hashing it, and fails with kDenied before its last bytes when the digest
// is another.
std::unique_ptr<http::Body> make_digest_checking_body(http::Body& source, std::string digest_hex);

}  // namespace keyturn::aws
