#include "vault/vault.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <thread>

namespace keyturn::vault {
namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

Credentials credentials_of(std::string id, std::string_view secret, std::string_view token = "",
                           std::optional<Time> expiry = std::nullopt) {
  Credentials credentials;
  credentials.access_key_id = std::move(id);
  credentials.secret_access_key = crypto::Secret(secret);
  credentials.session_token = crypto::Secret(token);
  credentials.expiry = expiry;
  return credentials;
}

class VaultTest : public testing::Test {
 protected:
  void SetUp() override {
    SystemRandom names;
    folder_ = std::filesystem::temp_directory_path() /
              ("keyturn-vault-" + names.token(12, "abcdefghijklmnop"));
    auto store = store::open_sqlite({.path = folder_ / "store.db"}, clock_, log_, metrics_);
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
  }
  void TearDown() override {
    if (store_) store_->close();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<Vault> open(VaultOptions options = {}, char key = 'k') {
    const auto sealing = crypto::SealingKey::from_bytes(std::string(32, key));
    auto vault = Vault::open(
        *store_, clock_, random_, log_, *sealing, std::move(options),
        [this](std::string_view name) -> std::optional<std::string> {
          const auto found = variables_.find(name);
          if (found == variables_.end()) return std::nullopt;
          return found->second;
        },
        [](const MetadataRequest&) -> Result<std::string> {
          return fail(Code::kUnavailable, "no route");
        });
    EXPECT_TRUE(vault) << vault.error().message;
    return std::move(*vault);
  }
  Result<void> seal(Vault& vault, const Credentials& credentials) {
    return store_->run(
        [&](store::Transaction& transaction) { return vault.seal(transaction, credentials); });
  }

  ManualClock clock_;
  SeededRandom random_{7};
  MemoryLog log_;
  Metrics metrics_;
  std::filesystem::path folder_;
  std::unique_ptr<store::Store> store_;
  std::map<std::string, std::string, std::less<>> variables_;
};

TEST_F(VaultTest, SignsWithSealedCredentialsAsTheSigV4DocumentationDoes) {
  const auto vault = open();
  ASSERT_TRUE(
      seal(*vault, credentials_of("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")));
  ASSERT_TRUE(vault->refresh());
  const auto signer = vault->signer();
  ASSERT_TRUE(signer);
  EXPECT_EQ((*signer)->access_key_id(), "AKIDEXAMPLE");
  // get-vanilla of the AWS SigV4 test suite.
  EXPECT_EQ((*signer)->sign("20150830", "us-east-1", "service",
                            "AWS4-HMAC-SHA256\n20150830T123600Z\n"
                            "20150830/us-east-1/service/aws4_request\n"
                            "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63"),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST_F(VaultTest, HasNoSignerBeforeCredentialsAreFound) {
  const auto vault = open();
  EXPECT_EQ(vault->signer().error().code, Code::kUnavailable);
  const auto refreshed = vault->refresh();
  ASSERT_FALSE(refreshed);
  EXPECT_EQ(refreshed.error().code, Code::kUnavailable);
  EXPECT_NE(refreshed.error().message.find("sealed"), std::string::npos);
}

TEST_F(VaultTest, TriesSourcesInOrderAndSaysWhyEachDidNotServe) {
  VaultOptions options;
  options.sources = {Source::kSealed, Source::kEnvironment, Source::kProfile, Source::kContainer,
                     Source::kInstance};
  options.home = folder_;
  const auto vault = open(options);
  const auto refreshed = vault->refresh();
  ASSERT_FALSE(refreshed);
  for (const char* name : {"sealed:", "environment:", "profile:", "container:", "instance:"}) {
    EXPECT_NE(refreshed.error().message.find(name), std::string::npos) << name;
  }
  variables_["AWS_ACCESS_KEY_ID"] = "AKIAENV";
  variables_["AWS_SECRET_ACCESS_KEY"] = kSecret;
  ASSERT_TRUE(vault->refresh());
  EXPECT_EQ((*vault->signer())->access_key_id(), "AKIAENV");
  EXPECT_NE(vault->describe().find("environment"), std::string::npos);
}

TEST_F(VaultTest, FindsReplacedSealedCredentialsAtTheNextRefresh) {
  const auto vault = open();
  ASSERT_TRUE(seal(*vault, credentials_of("AKIAONE", kSecret)));
  ASSERT_TRUE(vault->refresh());
  const auto before = *vault->signer();
  ASSERT_TRUE(seal(*vault, credentials_of("AKIATWO", kSecret, "token")));
  ASSERT_TRUE(vault->refresh());
  EXPECT_EQ((*vault->signer())->access_key_id(), "AKIATWO");
  EXPECT_EQ((*vault->signer())->session_token(), "token");
  EXPECT_EQ(before->access_key_id(), "AKIAONE");  // a request under way keeps what it has
}

TEST_F(VaultTest, DoesNotSignWithExpiredCredentials) {
  const auto vault = open();
  ASSERT_TRUE(
      seal(*vault, credentials_of("ASIAX", kSecret, "t", clock_.now() + std::chrono::hours(1))));
  ASSERT_TRUE(vault->refresh());
  clock_.advance(std::chrono::minutes(59));
  EXPECT_TRUE(vault->signer());
  clock_.advance(std::chrono::minutes(1));
  EXPECT_EQ(vault->signer().error().code, Code::kUnavailable);
  EXPECT_FALSE(vault->refresh());
}

TEST_F(VaultTest, KeepsServingWhatIsNotExpiredWhenARefreshFails) {
  VaultOptions options;
  options.sources = {Source::kEnvironment};
  variables_["AWS_ACCESS_KEY_ID"] = "AKIAENV";
  variables_["AWS_SECRET_ACCESS_KEY"] = kSecret;
  const auto vault = open(options);
  ASSERT_TRUE(vault->refresh());
  variables_.clear();
  EXPECT_TRUE(vault->refresh());  // they do not expire: nothing to do
  EXPECT_TRUE(vault->signer());
}

TEST_F(VaultTest, CannotOpenWhatAnotherKeySealedOrAnotherVaultOwns) {
  const auto vault = open();
  ASSERT_TRUE(seal(*vault, credentials_of("AKIAONE", kSecret)));
  EXPECT_FALSE(open({}, 'x')->refresh());
  // A box moved to another name does not open there.
  ASSERT_TRUE(store_->run([](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(transaction.execute("UPDATE vault_credentials SET name = 'other'"));
    return {};
  }));
  VaultOptions other;
  other.name = "other";
  EXPECT_FALSE(open(other)->refresh());
}

TEST_F(VaultTest, RefusesToSealWhatAreNoCredentials) {
  const auto vault = open();
  EXPECT_FALSE(seal(*vault, credentials_of("", kSecret)));
  EXPECT_FALSE(seal(*vault, credentials_of("AKIA\r\nX", kSecret)));
  EXPECT_FALSE(seal(*vault, credentials_of("AKIA", "")));
  EXPECT_FALSE(seal(*vault, credentials_of("AKIA", "two words")));
  EXPECT_FALSE(seal(*vault, credentials_of("AKIA", kSecret, "a\nb")));
}

// Invariant 8: secrets stay.
TEST_F(VaultTest, PutsNoSecretIntoLogStoreDescriptionOrErrors) {
  VaultOptions options;
  options.sources = {Source::kSealed, Source::kEnvironment};
  const auto vault = open(options);
  ASSERT_TRUE(seal(*vault, credentials_of("AKIAONE", kSecret, "the-session-token")));
  ASSERT_TRUE(vault->refresh());
  variables_["AWS_ACCESS_KEY_ID"] = "AKIA";
  variables_["AWS_SECRET_ACCESS_KEY"] = std::string(kSecret) + " ";
  const auto broken = open(options, 'x')->refresh();
  ASSERT_FALSE(broken);
  std::string seen = vault->describe() + broken.error().message;
  for (const std::string& line : log_.lines()) seen += line;
  ASSERT_TRUE(store_->read([&](store::Transaction& transaction) -> Result<void> {
    TRY(const auto rows, transaction.query("SELECT name, box FROM vault_credentials"));
    for (const auto& row : rows) seen += row.text(0) + row.blob(1);
    return {};
  }));
  EXPECT_EQ(seen.find(kSecret), std::string::npos);
  EXPECT_EQ(seen.find("the-session-token"), std::string::npos);
}

TEST_F(VaultTest, SignsAndRefreshesOnManyThreads) {
  VaultOptions options;
  options.sources = {Source::kEnvironment};
  variables_["AWS_ACCESS_KEY_ID"] = "AKIAENV";
  variables_["AWS_SECRET_ACCESS_KEY"] = kSecret;
  const auto vault = open(options);
  ASSERT_TRUE(vault->refresh());
  const std::string expected = (*vault->signer())->sign("20260101", "r", "s", "text");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 400; ++i) {
        const auto signer = vault->signer();
        ASSERT_TRUE(signer);
        (*signer)->sign("20260101", fmt::format("r{}", i), "s", "text");
        EXPECT_EQ((*signer)->sign("20260101", "r", "s", "text"), expected);
        if (t == 0) {
          EXPECT_TRUE(vault->refresh());
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(Sources, HaveNamesThatReadBack) {
  for (const auto source : {Source::kSealed, Source::kEnvironment, Source::kProfile,
                            Source::kContainer, Source::kInstance}) {
    EXPECT_EQ(*parse_source(to_string(source)), source);
  }
  EXPECT_FALSE(parse_source("sesame"));
}

}  // namespace
}  // namespace keyturn::vault
