#include "aws/chunked.h"

#include <gtest/gtest.h>

#include "aws/test_support.h"

namespace keyturn::aws {
namespace {

// The example of the S3 API reference, "Transferring Payload in Multiple Chunks".
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kScope = "20130524/us-east-1/s3/aws4_request";
constexpr std::string_view kTimestamp = "20130524T000000Z";
constexpr std::string_view kSeed =
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
constexpr std::string_view kChunkSignatures[] = {
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"};
// The same with a trailing checksum.
constexpr std::string_view kTrailerSeed =
    "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
constexpr std::string_view kTrailerChunkSignatures[] = {
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"};
constexpr std::string_view kTrailerSignature =
    "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";
constexpr std::string_view kChecksum = "x-amz-checksum-crc32c:sOO8/Q==";

SigningKeys::Key signing_key() {
  return std::make_shared<const crypto::Secret>(
      crypto::sigv4_signing_key(kSecret, "20130524", "us-east-1", "s3"));
}

ChunkedOptions options_of(Payload kind, std::uint64_t decoded) {
  ChunkedOptions options;
  options.kind = kind;
  options.decoded_bytes = decoded;
  options.seed = {.timestamp = std::string(kTimestamp),
                  .scope = std::string(kScope),
                  .signature = std::string(kind == Payload::kChunks ? kSeed : kTrailerSeed)};
  options.key = signing_key();
  if (kind != Payload::kChunks) options.trailer_names = {"x-amz-checksum-crc32c"};
  return options;
}

std::string chunk(std::string_view data, std::string_view signature) {
  std::string text = fmt::format("{:x};chunk-signature={}\r\n", data.size(), signature);
  text += data;
  if (!data.empty()) text += "\r\n";
  return text;
}

std::string example() {
  return chunk(std::string(65'536, 'a'), kChunkSignatures[0]) +
         chunk(std::string(1'024, 'a'), kChunkSignatures[1]) + chunk("", kChunkSignatures[2]) +
         "\r\n";
}

std::string trailer_example() {
  return chunk(std::string(65'536, 'a'), kTrailerChunkSignatures[0]) +
         chunk(std::string(1'024, 'a'), kTrailerChunkSignatures[1]) +
         chunk("", kTrailerChunkSignatures[2]) +
         fmt::format("{}\r\nx-amz-trailer-signature:{}\r\n\r\n", kChecksum, kTrailerSignature);
}

Drained read_chunked(const std::string& body, ChunkedOptions options, std::size_t piece = 4'096,
                     std::size_t step = 1'000) {
  PieceBody source(body, piece);
  const auto reader = ChunkedReader::create(source, std::move(options));
  return drain_alone(*reader, step);
}

TEST(ChunkedReader, VerifiesTheExampleOfTheS3Reference) {
  for (const std::size_t piece : {1U, 7U, 87U, 65'536U, 100'000U}) {
    const Drained drained = read_chunked(example(), options_of(Payload::kChunks, 66'560), piece);
    ASSERT_FALSE(drained.error) << drained.error->message;
    EXPECT_EQ(drained.bytes, std::string(66'560, 'a'));
  }
}

TEST(ChunkedReader, VerifiesTheExampleWithTrailers) {
  PieceBody source(trailer_example(), 999);
  const auto reader =
      ChunkedReader::create(source, options_of(Payload::kChunksWithTrailer, 66'560));
  const Drained drained = drain_alone(*reader);
  ASSERT_FALSE(drained.error) << drained.error->message;
  EXPECT_EQ(drained.bytes.size(), 66'560U);
  ASSERT_EQ(reader->trailers().size(), 1U);
  EXPECT_EQ(reader->trailers()[0].second, "sOO8/Q==");
}

TEST(ChunkedReader, HandsOutNoByteOfAChunkWhoseSignatureIsWrong) {
  std::string body = example();
  body[body.size() - 200] ^= 1;  // inside the second chunk's data
  const Drained drained = read_chunked(body, options_of(Payload::kChunks, 66'560));
  ASSERT_TRUE(drained.error);
  EXPECT_EQ(drained.error->code, Code::kDenied);
  EXPECT_EQ(drained.bytes.size(), 65'536U);
}

TEST(ChunkedReader, RefusesChunksOutOfOrderAndTrailersOfAnother) {
  const std::string swapped = chunk(std::string(1'024, 'a'), kChunkSignatures[1]) +
                              chunk(std::string(65'536, 'a'), kChunkSignatures[0]) +
                              chunk("", kChunkSignatures[2]) + "\r\n";
  EXPECT_EQ(read_chunked(swapped, options_of(Payload::kChunks, 66'560)).bytes, "");
  std::string body = trailer_example();
  body.replace(body.find("sOO8"), 4, "AAAA");
  const Drained drained = read_chunked(body, options_of(Payload::kChunksWithTrailer, 66'560));
  ASSERT_TRUE(drained.error);
  EXPECT_EQ(drained.error->code, Code::kDenied);
}

TEST(ChunkedReader, ReadsUnsignedChunksWithATrailer) {
  for (const std::size_t step : {1U, 3U, 1'000U}) {
    const Drained drained =
        read_chunked("3\r\nabc\r\nA\r\n0123456789\r\n0\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n\r\n",
                     options_of(Payload::kUnsignedWithTrailer, 13), 2, step);
    ASSERT_FALSE(drained.error) << drained.error->message;
    EXPECT_EQ(drained.bytes, "abc0123456789");
  }
}

TEST(ChunkedReader, RefusesFramesThatTwoReadersCouldTakeDifferently) {
  const std::string end = "0\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n\r\n";
  const std::string kBodies[] = {
      "",
      "3",
      "3\r\nab",
      "3\r\nabc",
      "3\r\nabc\r\n",
      "3\nabc\n" + end,
      "+3\r\nabc\r\n" + end,
      "0x3\r\nabc\r\n" + end,
      " 3\r\nabc\r\n" + end,
      "3 \r\nabc\r\n" + end,
      "-1\r\nabc\r\n" + end,
      "3;a=b\r\nabc\r\n" + end,
      "3;chunk-signature=00\r\nabc\r\n" + end,
      "\r\nabc\r\n" + end,
      "2\r\nabc\r\n" + end,
      "4\r\nabc\r\n" + end,
      "ffffffffffffffff\r\nabc\r\n" + end,
      "10000000000000003\r\nabc\r\n" + end,
      "3\r\nabc\r\n0\r\n\r\n",
      "3\r\nabc\r\n0\r\nx-amz-checksum-crc32c:a\r\nx-amz-checksum-crc32c:b\r\n\r\n",
      "3\r\nabc\r\n0\r\nx-amz-meta-evil:a\r\n\r\n",
      "3\r\nabc\r\n0\r\nx-amz-checksum-crc32c:\r\n\r\n",
      "3\r\nabc\r\n0\r\nx-amz-checksum-crc32c:a b\r\n\r\n",
      "3\r\nabc\r\n0\r\nx-amz-checksum-crc32c\r\n\r\n",
      "3\r\nabc\r\n0\r\nx-amz-trailer-signature:00\r\n\r\n",
      "3\r\nabc\r\n" + end + "x",
      "3\r\nabc\r\n" + end + end,
      "1\r\na\r\n" + end,
      "3\r\nabc\r\n1\r\nd\r\n" + end,
      std::string(5'000, '0') + "3\r\nabc\r\n" + end,
  };
  for (const std::string& body : kBodies) {
    const Drained drained = read_chunked(body, options_of(Payload::kUnsignedWithTrailer, 3), 5);
    ASSERT_TRUE(drained.error) << body;
    EXPECT_EQ(drained.error->code, Code::kInvalid) << body;
  }
}

TEST(ChunkedReader, StaysDeadAfterAFailure) {
  PieceBody source("2\r\nabc\r\n0\r\nx-amz-checksum-crc32c:a\r\n\r\n", 100);
  const auto reader = ChunkedReader::create(source, options_of(Payload::kUnsignedWithTrailer, 3));
  EXPECT_TRUE(drain_alone(*reader).error);
  const Drained again = drain_alone(*reader);
  EXPECT_TRUE(again.error);
  EXPECT_EQ(again.bytes, "");
}

TEST(ChunkedReader, BoundsWhatItHoldsOfASignedChunk) {
  const std::string body =
      fmt::format("{:x};chunk-signature={}\r\n", kSignedChunkBytesMax + 1, kChunkSignatures[0]);
  const Drained drained =
      read_chunked(body, options_of(Payload::kChunks, 2 * kSignedChunkBytesMax));
  ASSERT_TRUE(drained.error);
  EXPECT_EQ(drained.error->code, Code::kInvalid);
}

std::unique_ptr<http::Body> writer_of(ChunkedReader& reader, Payload kind, std::uint64_t decoded) {
  return make_chunked_writer(
      reader, options_of(kind, decoded), "20130524", {.region = "us-east-1", .service = "s3"},
      std::make_shared<const KeysSigner>("AKIAIOSFODNN7EXAMPLE", kSecret, ""));
}

TEST(ChunkedWriter, SignsTheExampleAsTheS3ReferenceDoes) {
  for (const auto kind : {Payload::kChunks, Payload::kChunksWithTrailer}) {
    const std::string body = kind == Payload::kChunks ? example() : trailer_example();
    PieceBody source(body, 777);
    const auto reader = ChunkedReader::create(source, options_of(kind, 66'560));
    const auto writer = writer_of(*reader, kind, 66'560);
    EXPECT_EQ(writer->length(), body.size());
    const Drained drained = drain_alone(*writer, 313);
    ASSERT_FALSE(drained.error) << drained.error->message;
    EXPECT_EQ(drained.bytes, body);
  }
}

TEST(ChunkedWriter, SaysItsLengthBeforehandForEverySize) {
  for (const std::size_t size : {0U, 1U, 15U, 16U, 65'535U, 65'536U, 65'537U, 200'000U}) {
    std::string body;
    if (size > 0) body += fmt::format("{:X}\r\n{}\r\n", size, std::string(size, 'x'));
    body += "0\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n\r\n";
    PieceBody source(body, 1'000);
    const auto kind = Payload::kUnsignedWithTrailer;
    const auto reader = ChunkedReader::create(source, options_of(kind, size));
    const auto writer = writer_of(*reader, kind, size);
    const auto length = writer->length();
    const Drained written = drain_alone(*writer, 1'000);
    ASSERT_FALSE(written.error) << size << written.error->message;
    EXPECT_EQ(length, written.bytes.size()) << size;
    const Drained again = read_chunked(written.bytes, options_of(kind, size));
    EXPECT_FALSE(again.error);
    EXPECT_EQ(again.bytes, std::string(size, 'x'));
  }
}

TEST(ChunkedWriter, NeverWritesTheLastChunkOfABadBody) {
  std::string body = trailer_example();
  body.replace(body.find("sOO8"), 4, "AAAA");
  PieceBody source(body, 4'096);
  const auto kind = Payload::kChunksWithTrailer;
  const auto reader = ChunkedReader::create(source, options_of(kind, 66'560));
  const auto writer = writer_of(*reader, kind, 66'560);
  const Drained drained = drain_alone(*writer, 4'096);
  ASSERT_TRUE(drained.error);
  EXPECT_EQ(drained.bytes.find("\r\n0;chunk-signature"), std::string::npos);
}

TEST(ChunkedWriter, HasNoLengthWithATrailerItDoesNotKnow) {
  auto options = options_of(Payload::kUnsignedWithTrailer, 0);
  options.trailer_names = {"x-amz-checksum-future"};
  PieceBody source("0\r\nx-amz-checksum-future:v\r\n\r\n", 100);
  const auto reader = ChunkedReader::create(source, options);
  const auto writer = make_chunked_writer(*reader, options, "20130524", {}, nullptr);
  EXPECT_FALSE(writer->length());
  EXPECT_EQ(drain_alone(*writer).bytes, "0\r\nx-amz-checksum-future:v\r\n\r\n");
}

TEST(ChunkedOptionsOfHeaders, AgreeWithThePayloadsName) {
  const http::Headers good = {{"x-amz-decoded-content-length", "3"},
                              {"x-amz-trailer", "x-amz-checksum-crc32"}};
  const auto read = read_chunked_options(good, Payload::kUnsignedWithTrailer);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->decoded_bytes, 3U);
  EXPECT_FALSE(read_chunked_options(good, Payload::kChunks));
  const http::Headers kBad[] = {
      {{"x-amz-decoded-content-length", "3"}},
      {{"x-amz-decoded-content-length", "-3"}, {"x-amz-trailer", "x-amz-checksum-crc32"}},
      {{"x-amz-decoded-content-length", "3 "}, {"x-amz-trailer", "x-amz-checksum-crc32"}},
      {{"x-amz-decoded-content-length", "1000000000000000"}, {"x-amz-trailer", "x-amz-c"}},
      {{"x-amz-decoded-content-length", "3"}, {"x-amz-trailer", "content-length"}},
      {{"x-amz-decoded-content-length", "3"}, {"x-amz-trailer", "x-amz-a,x-amz-a"}},
      {{"x-amz-decoded-content-length", "3"}, {"x-amz-trailer", "x-amz-trailer-signature"}},
  };
  for (const auto& headers : kBad) {
    EXPECT_FALSE(read_chunked_options(headers, Payload::kUnsignedWithTrailer));
  }
}

TEST(DigestCheckingBody, WithholdsTheEndOfABodyThatIsNotTheSignedOne) {
  const std::string text(200'000, 'x');
  for (const std::size_t piece : {1'000U, 30'000U, 500'000U}) {
    PieceBody good(text, piece);
    const auto checked = make_digest_checking_body(good, crypto::sha256(text).hex());
    EXPECT_EQ(drain_alone(*checked).bytes, text);
    PieceBody bad(text, piece);
    const auto other = make_digest_checking_body(bad, crypto::sha256("another").hex());
    const Drained drained = drain_alone(*other);
    ASSERT_TRUE(drained.error);
    EXPECT_EQ(drained.error->code, Code::kDenied);
    EXPECT_LT(drained.bytes.size(), text.size());
  }
  PieceBody nothing("", 10);
  const auto empty = make_digest_checking_body(nothing, std::string(kEmptyDigest));
  EXPECT_FALSE(drain_alone(*empty).error);
}

}  // namespace
}  // namespace keyturn::aws
