// What real clients sent (tests/aws/capture_clients): the AWS SDK for JavaScript, and Debian's
// awscli, rclone, s3cmd and restic. Their signatures are judged, their streams read, and what each
// request is, does and touches is compared with what its scenario says.
#include <gtest/gtest.h>

#include <set>

#include "aws/aws.h"
#include "aws/chunked.h"
#include "aws/test_support.h"
#include "aws/understand_corpus.h"

namespace keyturn::aws {
namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kToken = "tok/en+with=specials==";
constexpr std::string_view kKeyId = "ASIAEXAMPLEEXAMPLE22";

struct Captured {
  std::string client;
  http::RequestHead head;
  std::string body;
  Json expect;
};

std::optional<Captured> read_captured(const std::string& line) {
  const auto json = parse_strict(line);
  if (!json) return std::nullopt;
  Captured captured;
  captured.client = json->string_or("client", "");
  captured.head.method = json->string_or("method", "");
  captured.head.target = json->string_or("target", "");
  const auto* headers = json->find("headers")->if_array();
  if (headers == nullptr) return std::nullopt;
  for (const Json& field : *headers) {
    const auto& pair = *field.if_array();
    captured.head.headers.add(*pair[0].if_string(), *pair[1].if_string());
  }
  const auto body = base64_decode(json->string_or("body_base64", ""));
  if (!body) return std::nullopt;
  captured.body = *body;
  captured.expect = *json->find("expect");
  return captured;
}

class Clients : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (const std::string& line : read_packed_lines("clients.jsonl.gz")) {
      auto captured = read_captured(line);
      ASSERT_TRUE(captured) << line.substr(0, 200);
      all().push_back(std::move(*captured));
    }
    model() = *load_embedded_model();
  }
  static std::vector<Captured>& all() {
    static std::vector<Captured> every;
    return every;
  }
  static std::shared_ptr<const Model>& model() {
    static std::shared_ptr<const Model> one;
    return one;
  }
  static std::string name_of(const Captured& one) {
    return fmt::format("{}: {} {}", one.client, one.head.method, one.head.target);
  }

  struct Verified {
    Claim claim;
    PayloadName payload;
    SigningKeys::Key key;
  };
  Checked<Verified> verify(const Captured& one, std::string_view token = kToken) {
    auto claim = read_claim(one.head);
    if (!claim) return tl::unexpected<Refused>(claim.error());
    auto name = read_payload_name(one.head, *claim);
    if (!name) return tl::unexpected<Refused>(name.error());
    if (!*name) *name = PayloadName{.text = crypto::sha256(one.body).hex()};
    identity::SessionKeys keys;
    keys.access_key_id = kKeyId;
    keys.secret_access_key = crypto::Secret(kSecret);
    keys.session_token = crypto::Secret(token);
    auto key =
        verify_signature(one.head, *claim, (*name)->text, keys, claim->time, options_, cache_);
    if (!key) return tl::unexpected<Refused>(key.error());
    return Verified{std::move(*claim), std::move(**name), std::move(*key)};
  }

  static Result<Understood> read(const Captured& one, const Claim& claim) {
    return understand(*model(), {claim.service, claim.region}, one.head, one.body,
                      {.account = "123456789012"});
  }

  static std::vector<std::string> names_of(const Action& action) {
    std::vector<std::string> names;
    for (const Resource& resource : action.resources) names.push_back(resource.name);
    return names;
  }

  // The decoded bytes of a streamed body.
  static Drained decode(const Captured& one, const Verified& verified) {
    auto options = read_chunked_options(one.head.headers, verified.payload.kind);
    EXPECT_TRUE(options) << options.error().message;
    options->seed = {verified.claim.timestamp, verified.claim.scope(), verified.claim.signature};
    options->key = verified.key;
    PieceBody source(one.body, 8'192);
    const auto reader = ChunkedReader::create(source, std::move(*options));
    return drain_alone(*reader, 65'536);
  }

  SigningKeys cache_;
  VerifyOptions options_;
};

TEST_F(Clients, AreOfFiveMakesAndSignInEveryWayTheyKnow) {
  std::set<std::string> makes;
  std::set<Payload> payloads;
  std::set<std::string> services;
  std::size_t in_query = 0;
  for (const Captured& one : all()) {
    makes.insert(one.client.substr(0, one.client.find(' ')));
    services.insert(one.expect.string_or("service", ""));
    const auto verified = verify(one);
    ASSERT_TRUE(verified) << name_of(one) << ": " << verified.error().message;
    payloads.insert(verified->payload.kind);
    if (verified->claim.by == SignedBy::kQuery) ++in_query;
  }
  EXPECT_GE(all().size(), 280U);
  EXPECT_EQ(makes, (std::set<std::string>{"awscli", "js", "rclone", "restic", "s3cmd"}));
  EXPECT_GE(services.size(), 20U);
  EXPECT_GE(in_query, 3U);
  EXPECT_EQ(payloads, (std::set{Payload::kDigest, Payload::kUnsigned, Payload::kChunks,
                                Payload::kUnsignedWithTrailer}));
}

TEST_F(Clients, AreUnderstoodAsTheirScenariosSay) {
  for (const Captured& one : all()) {
    SCOPED_TRACE(name_of(one));
    const auto claim = read_claim(one.head);
    ASSERT_TRUE(claim);
    const auto understood = read(one, *claim);
    ASSERT_TRUE(understood) << understood.error().message;
    const Action& action = understood->action;
    ASSERT_TRUE(action.understood) << action.why.front();
    EXPECT_EQ(understood->model_service, one.expect.string_or("service", ""));
    EXPECT_EQ(action.operation, one.expect.string_or("operation", ""));
    EXPECT_EQ(to_string(action.effect), one.expect.string_or("effect", ""));
    Json::Array resources;
    for (const Resource& resource : action.resources) {
      const bool lent =
          resource.type == "iam:role" && action.service != "iam" && action.service != "sts";
      if (!lent) resources.emplace_back(resource.name);
    }
    EXPECT_EQ(to_text(Json(std::move(resources))), to_text(*one.expect.find("resources")));
  }
}

TEST_F(Clients, SignaturesCoverEverythingThatIsSigned) {
  for (const Captured& one : all()) {
    SCOPED_TRACE(name_of(one));
    const auto verified = verify(one);
    ASSERT_TRUE(verified);
    EXPECT_FALSE(verify(one, "another token"));
    Captured other = one;
    other.head.method += "X";
    EXPECT_FALSE(verify(other));
    other = one;
    other.head.target.insert(1, "x");
    EXPECT_FALSE(verify(other));
    other = one;
    other.head.target += other.head.target.find('?') == std::string::npos ? "?x=1" : "&x=1";
    EXPECT_FALSE(verify(other));
    for (const std::string& name : verified->claim.signed_headers) {
      other = one;
      other.head.headers.set(name, std::string(*one.head.headers.find(name)) + "1");
      EXPECT_FALSE(verify(other)) << name;
    }
    if (!verified->claim.content_sha256 && verified->claim.by == SignedBy::kHeader) {
      other = one;
      other.body += ' ';
      EXPECT_FALSE(verify(other));
    } else if (verified->payload.kind == Payload::kDigest) {
      EXPECT_EQ(verified->payload.text, crypto::sha256(one.body).hex());
    }
  }
}

TEST_F(Clients, StreamsAreReadToTheirAnnouncedLength) {
  std::size_t streams = 0;
  for (const Captured& one : all()) {
    SCOPED_TRACE(name_of(one));
    const auto verified = verify(one);
    ASSERT_TRUE(verified);
    if (!is_streaming(verified->payload.kind)) continue;
    ++streams;
    const Drained drained = decode(one, *verified);
    ASSERT_FALSE(drained.error) << drained.error->message;
    EXPECT_EQ(std::to_string(drained.bytes.size()),
              one.head.headers.find("x-amz-decoded-content-length").value_or(""));
    EXPECT_EQ(drained.bytes.find("chunk-signature"), std::string::npos);
    if (verified->payload.kind != Payload::kChunks) continue;
    for (const std::size_t at : {one.body.find("\r\n") + 2, one.body.find("chunk-signature=") + 16,
                                 one.body.rfind("chunk-signature=") + 16}) {
      Captured other = one;
      other.body[at] = other.body[at] == '0' ? '1' : '0';
      EXPECT_TRUE(decode(other, *verified).error) << at;
    }
  }
  EXPECT_GE(streams, 10U);
}

// What leaves for upstream is signed anew, and is the request that was judged.
TEST_F(Clients, AreSignedAnewForUpstream) {
  for (const Captured& one : all()) {
    SCOPED_TRACE(name_of(one));
    const auto claim = read_claim(one.head);
    ASSERT_TRUE(claim);
    const auto first = read(one, *claim);
    ASSERT_TRUE(first) << first.error().message;
    Captured again{.client = one.client,
                   .head = {first->forward.method, first->forward.target, first->forward.headers},
                   .body = first->forward.body.value_or(""),
                   .expect = one.expect};
    const std::string payload = crypto::sha256(again.body).hex();
    const UpstreamScope scope{first->forward.region, first->forward.signing_name};
    const auto signature =
        sign_for_upstream(again.head, "upstream.example", payload, scope, claim->time,
                          KeysSigner("AKIAUPSTREAM", kSecret, "theirs"));
    ASSERT_TRUE(signature);
    again.head.headers.add("Host", "upstream.example");
    const auto verified = verify(again, "theirs");
    ASSERT_TRUE(verified) << verified.error().message;
    EXPECT_EQ(verified->claim.by, SignedBy::kHeader);
    EXPECT_EQ(again.head.target.find("X-Amz-Signature"), std::string::npos);
    const auto second = read(again, verified->claim);
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_EQ(second->action.operation, first->action.operation);
    EXPECT_EQ(second->action.effect, first->action.effect);
    // Global services are asked in a region of their own.
    EXPECT_EQ(names_of(second->action), names_of(first->action));
  }
}

}  // namespace
}  // namespace keyturn::aws
