#include "app/config.h"

namespace keyturn::app {
namespace {

std::string fault(std::string_view text) {
  const auto config = parse_config(text, "/etc/keyturn.toml");
  EXPECT_FALSE(config) << text;
  return config ? "" : config.error().message;
}

TEST(Config, AnEmptyFileIsTheDefaults) {
  const auto config = parse_config("", "/etc/keyturn/keyturn.toml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->server.api_port, 7311);
  EXPECT_EQ(config->server.aws_port, 7312);
  EXPECT_EQ(config->server.api_address, "127.0.0.1");
  EXPECT_EQ(config->data_path, "/etc/keyturn/keyturn-data");
  EXPECT_EQ(config->vault.sources, std::vector<vault::Source>{vault::Source::kSealed});
  EXPECT_TRUE(config->environments.empty());
}

TEST(Config, EverythingCanBeSaid) {
  const auto config = parse_config(R"(
[server]
api_address = "0.0.0.0"
api_port = 1
aws_address = "::1"
aws_port = 65535
tls_certificate = "a.pem"
tls_key = "/etc/b.pem"
host_names = ["keyturn.example.com"]
[data]
path = "/var/lib/keyturn"
postgres = "host=db.example.com dbname=keyturn"
[aws]
account = "123456789012"
partition = "aws-cn"
regions = ["cn-northwest-1"]
upstream = "http://127.0.0.1:5000"
upstreams = { s3 = "http://127.0.0.1:9000" }
hold_wait = "20s"
tag_refresh = "1m"
[vault]
name = "prod"
sources = ["environment", "instance"]
profile = "admin"
[review]
change_lifetime = "2h"
grant_lifetime = "15m"
[limits]
body_memory = "8 MiB"
body = 1073741824
connections = 100
held_requests = 10
held_requests_per_session = 2
event_loops = 1
[policies]
path = "policies"
[[environment]]
name = "prod"
tier = "production"
match = [{ tags = { env = "prod" } }, { arns = ["arn:aws:s3:::prod-*"], regions = ["eu-west-1"] }]
[[environment]]
name = "dev"
tier = "development"
accounts = ["210987654321"]
)",
                                   "/etc/keyturn.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->postgres, "host=db.example.com dbname=keyturn");
  EXPECT_EQ(config->server.tls_certificate, "/etc/a.pem");
  EXPECT_EQ(config->server.tls_key, "/etc/b.pem");
  EXPECT_EQ(config->aws.upstreams.at("s3"), "http://127.0.0.1:9000");
  EXPECT_EQ(config->aws.hold_wait, std::chrono::seconds(20));
  EXPECT_EQ(config->vault.sources.size(), 2U);
  EXPECT_EQ(config->review.grant_lifetime, std::chrono::minutes(15));
  EXPECT_EQ(config->limits.body_memory_bytes, 8U << 20U);
  EXPECT_EQ(config->limits.body_bytes, 1U << 30U);
  EXPECT_EQ(config->policies_path, "/etc/policies");
  ASSERT_EQ(config->environments.size(), 2U);
  EXPECT_EQ(config->environments[0].selectors.size(), 2U);
  EXPECT_EQ(config->environments[0].selectors[0].tags.at("env"), "prod");
  EXPECT_EQ(config->environments[1].tier, Tier::kDevelopment);
  EXPECT_EQ(config->environments[1].selectors[0].accounts[0], "210987654321");
  EXPECT_EQ(api_url(config->server), "https://keyturn.example.com:1");
}

TEST(Config, TheInitialFileIsAcceptedAsItIs) {
  for (const char* account : {"", "123456789012"}) {
    const auto config = parse_config(initial_config(account), "keyturn.toml");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->aws.account, account);
    EXPECT_EQ(config->data_path, "keyturn-data");
  }
}

TEST(Config, WhatIsCommentedOutInTheInitialFileIsAcceptedToo) {
  std::string text = initial_config("");
  for (std::size_t at = 0; (at = text.find("\n# ", at)) != std::string::npos;) {
    const char next = text[at + 3];
    // Settings and sections; the sentences begin with a capital letter.
    if ((next >= 'a' && next <= 'z') || next == '[') text.erase(at + 1, 2);
    ++at;
  }
  // Both ways of naming the sources are shown; one may stand.
  const std::size_t second = text.rfind("sources = [\"sealed\"]\n");
  text.erase(second, std::string("sources = [\"sealed\"]\n").size());
  const auto config = parse_config(text, "keyturn.toml");
  ASSERT_TRUE(config) << config.error().message << text;
  EXPECT_EQ(config->environments.size(), 2U);
  EXPECT_EQ(config->vault.sources.size(), 5U);
}

TEST(Config, AnUnknownKeyRefusesWithTheNearestKnownOne) {
  EXPECT_EQ(fault("[server]\napi_prot = 7311\n"),
            "/etc/keyturn.toml:2:1: unknown key `api_prot` in [server]; did you mean `api_port`?");
  EXPECT_EQ(fault("[sever]\n"),
            "/etc/keyturn.toml:1:2: unknown key `sever` in the top level; did you mean `server`?");
  EXPECT_EQ(fault("[data]\nwhatever_else = 1\n"),
            "/etc/keyturn.toml:2:1: unknown key `whatever_else` in [data]; known keys are path, "
            "postgres");
  EXPECT_EQ(
      fault("[[environment]]\nname = \"a\"\ntier = \"staging\"\nmatch = [{ tag = { a = \"b\" } }]"),
      "/etc/keyturn.toml:4:12: unknown key `tag` in [[environment]] match; did you mean "
      "`tags`?");
}

TEST(Config, AWrongTypeIsNamedWithItsPlace) {
  EXPECT_EQ(fault("[server]\napi_port = \"7311\"\n"),
            "/etc/keyturn.toml:2:12: `api_port` in [server] must be an integer, not a string");
  EXPECT_EQ(fault("server = 1\n"), "/etc/keyturn.toml:1:10: `server` must be a section: [server]");
  EXPECT_EQ(fault("[aws]\nregions = \"eu-west-1\"\n"),
            "/etc/keyturn.toml:2:11: `regions` in [aws] must be an array of strings, not a string");
  EXPECT_EQ(fault("[aws]\nregions = [\"eu-west-1\", 2]\n"),
            "/etc/keyturn.toml:2:25: `regions` in [aws] must hold strings, not an integer");
  EXPECT_EQ(fault("[environment]\nname = \"a\"\n"),
            "/etc/keyturn.toml:1:1: `environment` must be written as [[environment]], with two "
            "brackets");
}

TEST(Config, AValueOutOfItsRangeIsRefused) {
  EXPECT_EQ(fault("[server]\napi_port = 0\n"),
            "/etc/keyturn.toml:2:12: `api_port` in [server] is 0 but must be between 1 and 65535");
  EXPECT_EQ(
      fault("[server]\napi_port = 7312\n"),
      "/etc/keyturn.toml:2:12: `api_port` and `aws_port` in [server] are both 7312; they must "
      "differ");
  EXPECT_EQ(fault("[aws]\nhold_wait = \"2h\"\n"),
            "/etc/keyturn.toml:2:13: `hold_wait` in [aws] is 2h but must be between 0 s and 10 min "
            "0 s");
  EXPECT_EQ(fault("[aws]\nhold_wait = \"soon\"\n"),
            "/etc/keyturn.toml:2:13: `hold_wait` in [aws]: `soon` is not a duration like 90s, 15m, "
            "2h or 7d");
  EXPECT_EQ(fault("[limits]\nbody = \"5 GB\"\n"),
            "/etc/keyturn.toml:2:8: `body` in [limits]: `5 GB` is not a size like \"512 KiB\", "
            "\"64 MiB\" or \"5 GiB\"");
}

TEST(Config, WhatContradictsItselfIsRefused) {
  EXPECT_EQ(fault("[server]\ntls_key = \"k\"\n"),
            "/etc/keyturn.toml:2:11: `tls_certificate` and `tls_key` in [server] belong together; "
            "set both or none");
  EXPECT_EQ(fault("[aws]\naccount = \"12345\"\n"),
            "/etc/keyturn.toml:2:11: `account` in [aws] is `12345` but must be 12 digits");
  EXPECT_EQ(fault("[aws]\npartition = \"china\"\n"),
            "/etc/keyturn.toml:2:13: `partition` in [aws] is `china` but must be aws, aws-cn or "
            "aws-us-gov");
  EXPECT_EQ(fault("[vault]\nsources = [\"file\"]\n"),
            "/etc/keyturn.toml:2:11: `sources` in [vault]: `file` is not one of sealed, "
            "environment, profile, container, instance");
}

TEST(Config, AddressesAreNumbers) {
  EXPECT_EQ(fault("[server]\napi_address = \"nowhere\"\n"),
            "/etc/keyturn.toml:2:15: `api_address` in [server] is `nowhere` but must be an IP "
            "address to listen on, such as 127.0.0.1 or ::");
  EXPECT_EQ(fault("[server]\naws_address = \"127.0.0.1:80\"\n"),
            "/etc/keyturn.toml:2:15: `aws_address` in [server] is `127.0.0.1:80` but must be an IP "
            "address to listen on, such as 127.0.0.1 or ::");
}

TEST(Config, KnowsWhereTheFileSaysWhat) {
  const auto config = parse_config(
      "[ledger]\npolicy = \"w\"\n[[environment]]\nname = \"dev\"\n"
      "tier = \"development\"\nmatch = [{ arns = [\"*\"] }]\n",
      "/etc/keyturn.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->where("ledger", "policy"), "/etc/keyturn.toml:2:10: `policy` in [ledger]");
  EXPECT_EQ(config->where("data", "postgres"), "`postgres` in [data]");
  EXPECT_EQ(config->where_environment(0), "/etc/keyturn.toml:3:1: the environment `dev`");
}

TEST(Config, AnEnvironmentMustSelectSomething) {
  EXPECT_EQ(fault("[[environment]]\nname = \"dev\"\ntier = \"development\"\n"),
            "/etc/keyturn.toml:1:1: the environment `dev` selects nothing; give it accounts, "
            "regions, arns or tags");
  EXPECT_EQ(fault("[[environment]]\nname = \"dev\"\ntier = \"development\"\nmatch = [{}]\n"),
            "/etc/keyturn.toml:4:10: a `match` in [[environment]] selects nothing; give it "
            "accounts, regions, arns or tags");
  EXPECT_EQ(fault("[[environment]]\nname = \"dev\"\ntier = \"test\"\narns = [\"*\"]\n"),
            "/etc/keyturn.toml:3:8: `tier` of the environment `dev` is `test` but must be "
            "production, staging or development");
  EXPECT_NE(fault("[[environment]]\nname = \"a\"\ntier = \"staging\"\narns = [\"x\"]\n"
                  "[[environment]]\nname = \"a\"\ntier = \"staging\"\narns = [\"y\"]\n")
                .find("/etc/keyturn.toml:5:1: the environment `a` is described twice"),
            std::string::npos);
}

TEST(Config, BrokenTomlIsRefusedWithItsPlace) {
  EXPECT_TRUE(fault("[server\n").starts_with("/etc/keyturn.toml:1:8: ")) << fault("[server\n");
  EXPECT_TRUE(fault("a = 1\na = 2\n").starts_with("/etc/keyturn.toml:2:"));
  EXPECT_TRUE(fault("\xff\xfe").starts_with("/etc/keyturn.toml:1:"));
  EXPECT_TRUE(fault("a = " + std::string(100'000, '[')).starts_with("/etc/keyturn.toml:1:"));
  EXPECT_EQ(fault("[data]\n\n[[[\n"),
            "/etc/keyturn.toml:3:1: this is no TOML; write sections as [name] or [[name]]");
}

TEST(Config, AMissingFileSaysHowToMakeOne) {
  EXPECT_EQ(read_config("/does/not/exist.toml").error().message,
            "no configuration at `/does/not/exist.toml`; make one with `keyturn init`, or name it "
            "with --config");
}

TEST(ConfigOf, TheLedgerSaysWhenReadsMayLeaveAndWhereAnchorsAre) {
  const auto config = parse_config(
      "[ledger]\nobserve = \"decided\"\nanchors = [\"a/b.anchor\", "
      "\"s3://audit.b/keyturn?region=eu-central-1\"]\n",
      "/etc/keyturn/keyturn.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->ledger.observe, gate::ObserveLeaves::kDecided);
  EXPECT_EQ(config->ledger.anchors,
            (std::vector<std::string>{"/etc/keyturn/a/b.anchor",
                                      "s3://audit.b/keyturn?region=eu-central-1"}));
  for (const char* bad :
       {"observe = \"background\"", "anchors = [\"\"]", "anchors = [\"x/\"]",
        "anchors = [\"s3://b/p\"]", "anchors = [\"s3://b?region=x\"]",
        "anchors = [\"s3://b/p?region=x&days=0\"]", "anchors = [\"s3://b/p?region=x&key=1\"]",
        "anchors = [\"s3://../p?region=a/b\"]", "anchors = [\"s3://\"]",
        "anchors = [\"1\",\"2\",\"3\",\"4\",\"5\"]"}) {
    const auto refused = parse_config(fmt::format("[ledger]\n{}\n", bad), "keyturn.toml");
    ASSERT_FALSE(refused) << bad;
    EXPECT_NE(refused.error().message.find("keyturn.toml:2:"), std::string::npos)
        << refused.error().message;
  }
}

}  // namespace
}  // namespace keyturn::app
