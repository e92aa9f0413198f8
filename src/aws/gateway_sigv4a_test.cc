#include <gtest/gtest.h>

#include "aws/gateway_fixture.h"
#include "base/bytes.h"

namespace keyturn::aws {
namespace {

// Key value stores of CloudFront take nothing but SigV4a, at a host of their account.
TEST_F(GatewayTest, AServiceThatTakesOnlySigV4aIsSignedForThatWay) {
  Ask keys;
  keys.service = "cloudfront-keyvaluestore";
  keys.method = "GET";
  keys.target =
      "/key-value-stores/arn%3Aaws%3Acloudfront%3A%3A123456789012%3Akey-value-store%2Fa1/keys";
  const Reply reply = ask(keys);
  EXPECT_EQ(reply.status, 200) << reply.body;
  ASSERT_EQ(seen().size(), 1U);
  EXPECT_TRUE(seen().front().complete) << seen().front().refused;
  EXPECT_TRUE(seen()
                  .front()
                  .head.headers.find("authorization")
                  .value_or("")
                  .starts_with("AWS4-ECDSA-P256-SHA256 Credential=ASIAVAULT"));
  EXPECT_EQ(seen().front().head.headers.find("x-amz-region-set").value_or(""), "*");
}

// From a signature (r, s) of SigV4a anyone can make (r, n - s), n being the order of P-256.
std::string mirrored(const std::string& signature) {
  const std::string n =
      hex_decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").value();
  const std::string der = hex_decode(signature).value();
  const std::size_t r_size = static_cast<unsigned char>(der.at(3));
  std::string s = der.substr(r_size + 6);
  while (s.size() > 32) s.erase(0, 1);
  s.insert(0, 32 - s.size(), '\0');
  int borrow = 0;
  for (int i = 31; i >= 0; --i) {
    const auto at = static_cast<std::size_t>(i);
    const int digit =
        static_cast<unsigned char>(n[at]) - static_cast<unsigned char>(s[at]) - borrow;
    borrow = digit < 0 ? 1 : 0;
    s[at] = static_cast<char>(digit + (borrow << 8));
  }
  while (s.size() > 1 && s[0] == '\0') s.erase(0, 1);
  if ((static_cast<unsigned char>(s[0]) & 0x80U) != 0) s.insert(0, 1, '\0');
  const std::string pieces = der.substr(2, r_size + 2) + std::string("\x02") +
                             std::string(1, static_cast<char>(s.size())) + s;
  return hex_encode(std::string("\x30") + std::string(1, static_cast<char>(pieces.size())) +
                    pieces);
}

TEST_F(GatewayTest, ASecondSignatureMadeFromTheFirstExecutesNothingTwice) {
  Ask put;
  put.service = "cloudfront-keyvaluestore";
  put.method = "PUT";
  put.target =
      "/key-value-stores/arn%3Aaws%3Acloudfront%3A%3A123456789012%3Akey-value-store%2Fa1/keys/k";
  put.headers = {{"content-type", "application/json"}, {"if-match", "E1"}};
  put.body = R"({"Value":"v"})";
  const Reply held = ask(put);
  ASSERT_EQ(held.status, 403) << held.body;
  ASSERT_TRUE(review(change_of(held), "bob", review::Answer::kApprove));
  const http::RequestHead first = sign(put);
  EXPECT_EQ(send(first, put.body).status, 200);
  http::RequestHead second = first;
  std::string authorization(*first.headers.find("authorization"));
  const std::size_t at = authorization.find("Signature=") + 10;
  const std::string other = mirrored(authorization.substr(at));
  ASSERT_NE(other, authorization.substr(at));
  second.headers.set("authorization", authorization.substr(0, at) + other);
  const Reply again = send(second, put.body);
  EXPECT_NE(again.status, 200);
  EXPECT_NE(again.body.find("executed already"), std::string::npos) << again.body;
  EXPECT_EQ(seen().size(), 1U);
}

}  // namespace
}  // namespace keyturn::aws
