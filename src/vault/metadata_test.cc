#include "vault/metadata.h"

#include <gtest/gtest.h>

#include <map>

namespace keyturn::vault {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

Environment environment_of(Variables variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

constexpr std::string_view kAnswer =
    R"({"Code":"Success","AccessKeyId":"ASIAROLE","SecretAccessKey":"sss","Token":"ttt",)"
    R"("Expiration":"2030-01-01T00:00:00Z","Type":"AWS-HMAC"})";

struct Requests {
  std::vector<MetadataRequest> seen;
  std::map<std::string, std::string> answers;
  MetadataFetch fetch() {
    return [this](const MetadataRequest& request) -> Result<std::string> {
      seen.push_back(request);
      const auto found = answers.find(request.method + " " + request.url);
      if (found == answers.end()) return fail(Code::kNotFound, "404 for token hunter2");
      return found->second;
    };
  }
};

TEST(Container, ReadsTheRelativeUriOfEcs) {
  Requests requests;
  requests.answers["GET http://169.254.170.2/v2/credentials/x"] = kAnswer;
  const auto found = read_container(
      environment_of({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x"}}),
      requests.fetch());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->access_key_id, "ASIAROLE");
  EXPECT_EQ(found->session_token.view(), "ttt");
}

TEST(Container, SendsItsTokenOnlyToPlacesThatMayHaveIt) {
  const struct {
    std::string url;
    bool permitted;
  } kCases[] = {
      {"http://169.254.170.23/v1/credentials", true},
      {"http://[fd00:ec2::23]/v1", true},
      {"http://localhost:8080/x", true},
      {"https://credentials.example/x", true},
      {"http://credentials.example/x", false},
      {"http://127.0.0.1@evil.example/x", false},
      {"http://127.0.0.1.evil.example/x", false},
      {"ftp://localhost/", false},
      {"http://localhost/x\r\nHost: evil", false},
      {"", false},
  };
  for (const auto& c : kCases) {
    Requests requests;
    requests.answers["GET " + c.url] = kAnswer;
    const auto found =
        read_container(environment_of({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", c.url},
                                       {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "tok"}}),
                       requests.fetch());
    EXPECT_EQ(found.has_value(), c.permitted) << c.url;
    EXPECT_EQ(requests.seen.size(), c.permitted ? 1U : 0U) << c.url;
    if (c.permitted) {
      EXPECT_EQ(requests.seen[0].headers[0].first, "Authorization");
    }
  }
}

TEST(Instance, AsksForASessionFirst) {
  Requests requests;
  const std::string host = "http://169.254.169.254";
  requests.answers["PUT " + host + "/latest/api/token"] = "session";
  requests.answers["GET " + host + "/latest/meta-data/iam/security-credentials/"] = "my-role\n";
  requests.answers["GET " + host + "/latest/meta-data/iam/security-credentials/my-role"] = kAnswer;
  const auto found = read_instance(environment_of({}), requests.fetch());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->secret_access_key.view(), "sss");
  ASSERT_EQ(requests.seen.size(), 3U);
  EXPECT_EQ(requests.seen[1].headers[0].second, "session");
}

TEST(Instance, RefusesARoleThatIsNoName) {
  Requests requests;
  const std::string host = "http://169.254.169.254";
  requests.answers["PUT " + host + "/latest/api/token"] = "session";
  requests.answers["GET " + host + "/latest/meta-data/iam/security-credentials/"] =
      "../../user-data";
  EXPECT_FALSE(read_instance(environment_of({}), requests.fetch()));
  EXPECT_EQ(requests.seen.size(), 2U);
}

TEST(Instance, NeverRepeatsWhatTheTransportSaid) {
  Requests requests;
  const auto found = read_instance(environment_of({}), requests.fetch());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message.find("hunter2"), std::string::npos);
}

TEST(Instance, StaysAwayWhenDisabled) {
  Requests requests;
  EXPECT_FALSE(
      read_instance(environment_of({{"AWS_EC2_METADATA_DISABLED", "True"}}), requests.fetch()));
  EXPECT_TRUE(requests.seen.empty());
}

TEST(Instance, BoundsTheAnswer) {
  Requests requests;
  requests.answers["PUT http://169.254.169.254/latest/api/token"] = std::string(100'000, 'x');
  const auto found = read_instance(environment_of({}), requests.fetch());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Code::kExhausted);
}

}  // namespace
}  // namespace keyturn::vault
