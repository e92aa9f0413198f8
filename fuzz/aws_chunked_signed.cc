// aws-chunked framing with a signature for each chunk. Six bytes say how a body is signed, which of
// its bytes is changed and in what pieces it comes; the rest is the body. Oracle: unchanged it is
// read as it was; changed, every byte that is handed out is one that was signed, and without an
// error all of them are.
#include "aws/chunked.h"
#include "aws/test_support.h"
#include "crypto/crypto.h"

namespace {

using namespace keyturn;

constexpr std::string_view kSecret = "secret";

aws::ChunkedOptions options_of(aws::Payload kind, std::size_t bytes) {
  aws::ChunkedOptions options;
  options.kind = kind;
  options.decoded_bytes = bytes;
  options.seed = {.timestamp = "20260101T000000Z",
                  .scope = "20260101/eu-central-1/s3/aws4_request",
                  .signature = std::string(64, '0')};
  options.key = std::make_shared<const crypto::Secret>(
      crypto::sigv4_signing_key(kSecret, "20260101", "eu-central-1", "s3"));
  if (kind != aws::Payload::kChunks) options.trailer_names = {"x-amz-checksum-crc32"};
  return options;
}

std::string sign_whole(const std::string& text, aws::Payload kind) {
  std::string frames;
  if (!text.empty()) frames = fmt::format("{:x}\r\n{}\r\n", text.size(), text);
  aws::ChunkedOptions unsigned_options = options_of(kind, text.size());
  unsigned_options.kind = aws::Payload::kUnsignedWithTrailer;
  const bool trailer = !unsigned_options.trailer_names.empty();
  frames += trailer ? "0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n" : "0\r\n\r\n";
  aws::PieceBody source(frames, 1U << 20U);
  const auto reader = aws::ChunkedReader::create(source, unsigned_options);
  const auto writer =
      aws::make_chunked_writer(*reader, options_of(kind, text.size()), "20260101",
                               {.region = "eu-central-1", .service = "s3"},
                               std::make_shared<const aws::KeysSigner>("AKID", kSecret, ""));
  const aws::Drained written = aws::drain_alone(*writer, 1U << 16U);
  CHECK(!written.error);
  return written.bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 6 || size > 8'192) return 0;
  const auto kind = data[0] % 2 == 0 ? aws::Payload::kChunks : aws::Payload::kChunksWithTrailer;
  // Longer ones are of several chunks.
  const std::size_t repeat = data[1] % 16 == 0 ? 1 + (aws::kUpstreamChunkBytes * 2) / size : 1;
  std::string text;
  for (std::size_t i = 0; i < repeat; ++i) {
    text.append(reinterpret_cast<const char*>(data) + 6, size - 6);
  }
  std::string body = sign_whole(text, kind);
  const unsigned char change = data[4];
  const std::size_t at = (data[2] * 256U + data[3]) % body.size();
  body[at] = static_cast<char>(static_cast<unsigned char>(body[at]) ^ change);
  aws::PieceBody source(body, 1U + data[5] * 64U);
  const auto reader = aws::ChunkedReader::create(source, options_of(kind, text.size()));
  const aws::Drained drained = aws::drain_alone(*reader, 4'096);
  CHECK(text.starts_with(drained.bytes));
  if (change == 0) CHECK(!drained.error);
  if (!drained.error) {
    CHECK(drained.bytes == text);
    if (kind == aws::Payload::kChunksWithTrailer) {
      CHECK(reader->trailers().size() == 1);
      CHECK(reader->trailers().front().second == "AAAAAA==");
    }
  }
  return 0;
}
