#include "cli/child.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace keyturn::cli {
namespace {

const SessionVariables kSession{.endpoint_url = "http://127.0.0.1:7312",
                                .access_key_id = "ASIAEXAMPLE",
                                .secret_access_key = "secret",
                                .session_token = "token",
                                .config_file = "/run/x/aws-config"};

bool has(const std::vector<std::string>& entries, std::string_view entry) {
  return std::find(entries.begin(), entries.end(), entry) != entries.end();
}

bool has_name(const std::vector<std::string>& entries, std::string_view name) {
  return std::any_of(entries.begin(), entries.end(), [&](const std::string& entry) {
    return entry.starts_with(std::string(name) + "=");
  });
}

TEST(Child, Invariant8TheAgentInheritsNoCredentialOfThePerson) {
  const auto environment = child_environment(
      {"PATH=/bin", "KEYTURN_TOKEN=ktp_x", "KEYTURN_URL=http://x", "AWS_PROFILE=admin",
       "AWS_ACCESS_KEY_ID=AKIAREAL", "AWS_SECRET_ACCESS_KEY=real", "AWS_SESSION_TOKEN=real",
       "AWS_SECURITY_TOKEN=real", "AWS_ROLE_ARN=arn", "AWS_WEB_IDENTITY_TOKEN_FILE=/t",
       "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://c", "AWS_BEARER_TOKEN_BEDROCK=b",
       "AWS_ENDPOINT_URL_S3=https://s3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true",
       "AWS_USE_FIPS_ENDPOINT=true", "AWS_REGION=cn-northwest-1", "AWS_PAGER="},
      kSession);
  for (const char* name :
       {"KEYTURN_TOKEN", "KEYTURN_URL", "AWS_PROFILE", "AWS_SECURITY_TOKEN", "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_BEARER_TOKEN_BEDROCK", "AWS_ENDPOINT_URL_S3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_USE_FIPS_ENDPOINT"}) {
    EXPECT_FALSE(has_name(environment, name)) << name;
  }
  for (const std::string& entry : environment) {
    EXPECT_EQ(entry.find("real"), std::string::npos) << entry;
  }
  for (const char* entry :
       {"PATH=/bin", "AWS_REGION=cn-northwest-1",
        "AWS_PAGER=", "AWS_ENDPOINT_URL=http://127.0.0.1:7312", "AWS_ACCESS_KEY_ID=ASIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY=secret", "AWS_SESSION_TOKEN=token", "AWS_EC2_METADATA_DISABLED=true",
        "AWS_CONFIG_FILE=/run/x/aws-config", "AWS_SHARED_CREDENTIALS_FILE=/run/x/aws-config",
        "AWS_DISABLE_HOST_PREFIX_INJECTION=true", "AWS_DISABLE_REQUEST_COMPRESSION=true",
        "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH=true"}) {
    EXPECT_TRUE(has(environment, entry)) << entry;
  }
}

TEST(Child, TheRegionReachesClientsOfBothHabits) {
  EXPECT_TRUE(has(child_environment({"AWS_REGION=a"}, kSession), "AWS_DEFAULT_REGION=a"));
  EXPECT_TRUE(has(child_environment({"AWS_DEFAULT_REGION=a"}, kSession), "AWS_REGION=a"));
  const auto both = child_environment({"AWS_REGION=a", "AWS_DEFAULT_REGION=b"}, kSession);
  EXPECT_TRUE(has(both, "AWS_REGION=a") && has(both, "AWS_DEFAULT_REGION=b"));
  EXPECT_FALSE(has_name(child_environment({}, kSession), "AWS_REGION"));
}

TEST(Child, AProxyDoesNotComeBetweenAgentAndGateway) {
  const auto environment =
      child_environment({"NO_PROXY=example.com", "HTTP_PROXY=http://proxy:1"}, kSession);
  EXPECT_TRUE(has(environment, "NO_PROXY=example.com,127.0.0.1"));
  EXPECT_TRUE(has(environment, "no_proxy=127.0.0.1"));
}

TEST(Child, TheExitCodeIsTheCommands) {
  EXPECT_EQ(*run_child({"sh", "-c", "exit 7"}, {"PATH=/usr/bin:/bin"}), 7);
  EXPECT_EQ(*run_child({"true"}, {"PATH=/usr/bin:/bin"}), 0);
  EXPECT_EQ(*run_child({"sh", "-c", "kill -KILL $$"}, {"PATH=/usr/bin:/bin"}), 128 + SIGKILL);
}

TEST(Child, ItSeesTheGivenEnvironmentAlone) {
  EXPECT_EQ(*run_child({"sh", "-c", "test \"$A\" = b && test -z \"$HOME\""},
                       {"PATH=/usr/bin:/bin", "A=b"}),
            0);
}

TEST(Child, AMissingCommandIsSaid) {
  const auto code = run_child({"/does/not/exist"}, {});
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().code, Code::kNotFound);
  EXPECT_EQ(code.error().message, "start `/does/not/exist`: No such file or directory");
}

TEST(Child, ASignalForUsReachesIt) {
  // The child says by its exit code that it got the signal; it asks its parent, us, for it.
  const auto code =
      run_child({"sh", "-c", "trap 'exit 42' TERM; kill -TERM $PPID; while :; do sleep 0.01; done"},
                {"PATH=/usr/bin:/bin"});
  EXPECT_EQ(*code, 42);
}

}  // namespace
}  // namespace keyturn::cli
