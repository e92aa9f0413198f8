#include <gtest/gtest.h>

#include "aws/chunked.h"
#include "aws/gateway_fixture.h"
#include "aws/test_support.h"
#include "base/bytes.h"

namespace keyturn::aws {
namespace {

using review::Answer;
using namespace std::chrono_literals;

constexpr std::string_view kTrailer = "x-amz-checksum-crc32";

// Uploads to S3, which are decided by their head and streamed.
class GatewayUpload : public GatewayTest {
 protected:
  static Ask put(std::string_view bucket, std::string payload) {
    Ask ask{.service = "s3", .method = "PUT", .target = fmt::format("/{}/key%20a", bucket)};
    ask.headers = {{"content-type", "text/plain"}, {"x-amz-meta-a", "b"}};
    ask.payload = std::move(payload);
    return ask;
  }
  static Ask put_chunked(std::string_view bucket, std::string_view mode, std::size_t bytes) {
    Ask ask = put(bucket, std::string(mode));
    ask.headers.set("content-encoding", "aws-chunked");
    ask.headers.set("x-amz-decoded-content-length", std::to_string(bytes));
    if (mode.ends_with("TRAILER")) ask.headers.set("x-amz-trailer", kTrailer);
    return ask;
  }
  static std::string unsigned_frames(std::string_view text) {
    std::string frames;
    while (!text.empty()) {
      const std::string_view piece = text.substr(0, 9'999);
      frames += fmt::format("{:X}\r\n{}\r\n", piece.size(), piece);
      text.remove_prefix(piece.size());
    }
    return frames + fmt::format("0\r\n{}:AAAAAA==\r\n\r\n", kTrailer);
  }
  // Chunks signed with the session's key, as the head was.
  std::string signed_frames(const http::RequestHead& head, std::string_view text) {
    const auto claim = read_claim(head);
    const auto key = crypto::sigv4_signing_key(session_->keys.secret_access_key.view(), claim->date,
                                               claim->region, claim->service);
    std::string previous = claim->signature;
    std::string frames;
    for (bool last = false; !last;) {
      const std::string_view piece = text.substr(0, 65'536);
      text.remove_prefix(piece.size());
      last = piece.empty();
      const std::string to_sign =
          fmt::format("AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{}\n{}", claim->timestamp,
                      claim->scope(), previous, kEmptyDigest, crypto::sha256(piece).hex());
      previous = crypto::hmac_sha256(key.view(), to_sign).hex();
      frames += fmt::format("{:x};chunk-signature={}\r\n{}\r\n", piece.size(), previous, piece);
    }
    return frames;
  }
  void expect_uploaded(std::size_t index, std::string_view text) {
    const auto seen = this->seen();
    ASSERT_GT(seen.size(), index);
    EXPECT_EQ(seen[index].refused, "");
    EXPECT_TRUE(seen[index].complete);
    EXPECT_EQ(seen[index].body, text);
    EXPECT_EQ(seen[index].head.target, "/dev-b/key%20a");
    EXPECT_EQ(seen[index].head.headers.find("x-amz-meta-a"), "b");
    EXPECT_EQ(seen[index].head.headers.find("x-amz-security-token"), kVaultToken);
  }
  const std::string text_ = std::string(150'000, 'a') + "end";
};

TEST_F(GatewayUpload, WithADigestIsStreamedUnderTheSameDigest) {
  const Reply reply = send(sign(put("dev-b", crypto::sha256(text_).hex())), text_);
  EXPECT_EQ(reply.status, 200) << reply.body;
  expect_uploaded(0, text_);
}

TEST_F(GatewayUpload, WithAnUnsignedPayloadStaysUnsigned) {
  EXPECT_EQ(send(sign(put("dev-b", "UNSIGNED-PAYLOAD")), text_).status, 200);
  expect_uploaded(0, text_);
}

TEST_F(GatewayUpload, OfABodyThatIsNotTheSignedOneNeverCompletesUpstream) {
  const Reply reply = send(sign(put("dev-b", crypto::sha256("other").hex())), text_);
  EXPECT_EQ(reply.status, 403) << reply.body;
  EXPECT_NE(reply.body.find("SignatureDoesNotMatch"), std::string::npos);
  EXPECT_EQ(entries("action.outcome", 1).size(), 1U);
  for (const Seen& seen : this->seen()) EXPECT_FALSE(seen.complete);
}

TEST_F(GatewayUpload, InUnsignedChunksIsFramedAnew) {
  const Ask ask = put_chunked("dev-b", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", text_.size());
  EXPECT_EQ(send(sign(ask), unsigned_frames(text_)).status, 200);
  expect_uploaded(0, text_);
  EXPECT_EQ(this->seen()[0].head.headers.count("content-length"), 1U);
}

TEST_F(GatewayUpload, InUnsignedChunksInsideHttpChunksPassesToo) {
  const Ask ask = put_chunked("dev-b", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", text_.size());
  PieceBody body(unsigned_frames(text_), 1'234);
  EXPECT_EQ(send(sign(ask), body).status, 200);
  expect_uploaded(0, text_);
}

TEST_F(GatewayUpload, InSignedChunksIsVerifiedAndSignedAnew) {
  const Ask ask = put_chunked("dev-b", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", text_.size());
  const auto head = sign(ask);
  EXPECT_EQ(send(head, signed_frames(head, text_)).status, 200);
  expect_uploaded(0, text_);
}

TEST_F(GatewayUpload, WithOneBadChunkNeverCompletesUpstream) {
  const Ask ask = put_chunked("dev-b", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", text_.size());
  const auto head = sign(ask);
  std::string frames = signed_frames(head, text_);
  frames[frames.find("end")] = 'E';
  const Reply reply = send(head, frames);
  EXPECT_EQ(reply.status, 403) << reply.body;
  EXPECT_NE(reply.body.find("SignatureDoesNotMatch"), std::string::npos) << reply.body;
  EXPECT_EQ(entries("action.outcome", 1).size(), 1U);
  for (const Seen& seen : this->seen()) EXPECT_FALSE(seen.complete);
}

TEST_F(GatewayUpload, WithBrokenFramesIsRefused) {
  const Ask ask = put_chunked("dev-b", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", 3);
  for (const char* frames : {"", "3\r\nabc", "4\r\nabcd\r\n0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n"}) {
    clock_.advance(1s);
    const Reply reply = send(sign(ask), frames);
    EXPECT_EQ(reply.status, 400) << reply.body;
  }
  for (const Seen& seen : this->seen()) EXPECT_FALSE(seen.complete);
}

// Invariant 6: bound to content.
TEST_F(GatewayUpload, ToProductionIsReviewedWithItsContent) {
  const Ask ask = put_chunked("prod-b", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", 3);
  const Reply held = send(sign(ask), unsigned_frames("abc"));
  EXPECT_EQ(held.status, 403) << held.body;
  const ChangeId change = change_of(held);
  for (const char* person : {"alice", "bob"}) review(change, person, Answer::kApprove);
  clock_.advance(1s);
  const Reply other = send(sign(ask), unsigned_frames("xyz"));
  EXPECT_EQ(other.status, 403);
  EXPECT_NE(change_of(other), change);
  EXPECT_TRUE(seen().empty());
  clock_.advance(1s);
  EXPECT_EQ(send(sign(ask), unsigned_frames("abc")).status, 200);
  ASSERT_EQ(seen().size(), 1U);
  EXPECT_EQ(seen()[0].body, "abc");
  EXPECT_TRUE(seen()[0].complete);
}

TEST_F(GatewayUpload, ToProductionWithADigestIsReviewedByIt) {
  const ChangeId change = change_of(send(sign(put("prod-b", crypto::sha256("abc").hex())), "abc"));
  for (const char* person : {"alice", "bob"}) review(change, person, Answer::kApprove);
  clock_.advance(1s);
  EXPECT_NE(change_of(send(sign(put("prod-b", crypto::sha256("xyz").hex())), "xyz")), change);
  EXPECT_EQ(send(sign(put("prod-b", crypto::sha256("abc").hex())), "abc").status, 200);
}

TEST_F(GatewayUpload, ToProductionOfManyBytesIsSpooledAndStreamed) {
  build({.body = {.memory_bytes_max = 1'000, .bytes_max = 1 << 20, .directory = "/tmp"}});
  const Ask ask = put("prod-b", "UNSIGNED-PAYLOAD");
  const ChangeId change = change_of(send(sign(ask), text_));
  for (const char* person : {"alice", "bob"}) review(change, person, Answer::kApprove);
  clock_.advance(1s);
  EXPECT_EQ(send(sign(ask), text_).status, 200);
  ASSERT_EQ(seen().size(), 1U);
  EXPECT_EQ(seen()[0].body, text_);
  clock_.advance(1s);
  EXPECT_EQ(send(sign(ask), std::string(2 << 20, 'x')).status, 413);
}

TEST_F(GatewayUpload, APresignedUrlIsForwardedSignedInItsHeader) {
  // Signed by hand: the query first, then the signature over it.
  const std::string timestamp = format_timestamp(clock_.now());
  const std::string date = timestamp.substr(0, 8);
  const std::string scope = date + "/us-east-1/s3/aws4_request";
  http::RequestHead head{.method = "PUT", .target = "/dev-b/key%20a", .headers = {}};
  head.target += "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" +
                 percent_encode(session_->keys.access_key_id + "/" + scope) +
                 "&X-Amz-Date=" + timestamp + "&X-Amz-Expires=60&X-Amz-Security-Token=" +
                 percent_encode(session_->keys.session_token.view()) + "&X-Amz-SignedHeaders=host";
  const std::string canonical =
      fmt::format("PUT\n/dev-b/key%20a\n{}\nhost:127.0.0.1:{}\n\nhost\nUNSIGNED-PAYLOAD",
                  *canonical_query(head.target.substr(head.target.find('?') + 1)), server_->port());
  const auto key =
      crypto::sigv4_signing_key(session_->keys.secret_access_key.view(), date, "us-east-1", "s3");
  head.target +=
      "&X-Amz-Signature=" +
      crypto::hmac_sha256(key.view(), string_to_sign(SignedWith::kV4, timestamp, scope, canonical))
          .hex();
  head.headers.add("x-keyturn-reason", "a link");
  const Reply reply = send(head, text_);
  EXPECT_EQ(reply.status, 200) << reply.body;
  const auto seen = this->seen();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].refused, "");
  EXPECT_EQ(seen[0].body, text_);
  EXPECT_EQ(seen[0].head.target.find("X-Amz-"), std::string::npos) << seen[0].head.target;
  EXPECT_EQ(seen[0].head.headers.count("x-keyturn-reason"), 0U);
  // A second use would be another execution under the same signature.
  EXPECT_EQ(send(head, text_).status, 403);
  clock_.advance(61s);
  EXPECT_EQ(send(head, text_).status, 403);
}

TEST_F(GatewayUpload, DownloadsAreStreamedBack) {
  const std::string content(3'000'000, 'z');
  answer_with(
      [&](const Seen&) { return UpstreamAnswer{.headers = {{"etag", "e"}}, .body = content}; });
  Ask get{.service = "s3", .method = "GET", .target = "/dev-b/key%20a"};
  const Reply reply = ask(get);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, content);
  EXPECT_EQ(reply.headers.find("etag"), "e");
  EXPECT_EQ(*entries("action.outcome", 1)[0].get_integer("response_bytes"), 3'000'000);
}

}  // namespace
}  // namespace keyturn::aws
