#include "app/app.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/folder.h"
#include "app/reserve.h"
#include "http/http.h"
#include "ledger/check.h"

namespace keyturn::app {
namespace {

class AppTest : public testing::Test {
 protected:
  AppTest() : folder_(testing::TempDir() + "keyturn-app-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ + "/policies");
    config_.data_path = folder_ + "/data";
    config_.server.api_port = 0;
    config_.server.aws_port = 0;
    config_.limits.event_loops = 1;
    config_.limits.connections = 16;
    EXPECT_TRUE(create_folder(config_.data_path));
  }
  ~AppTest() override { std::filesystem::remove_all(folder_); }

  Needs needs() {
    return {.clock = clock_,
            .random = random_,
            .log = log_,
            .metrics = metrics_,
            .environment = [](std::string_view) { return std::optional<std::string>(); }};
  }
  void create_key() { ASSERT_TRUE(create_sealing_key(config_.data_path, random_)); }
  void write_policy(const std::string& text) {
    config_.policies_path = folder_ + "/policies";
    std::ofstream(config_.policies_path + "/p.cedar") << text;
  }
  static int status_of(std::uint16_t port, const std::string& target) {
    http::RequestHead head;
    head.method = "GET";
    head.target = target;
    const auto answer =
        http::fetch({"http", "127.0.0.1", port}, head, "", std::chrono::seconds(10));
    return answer ? answer->status : 0;
  }
  bool logged(std::string_view event) const {
    for (const std::string& line : log_.lines()) {
      if (line.find(fmt::format("\"{}\"", event)) != std::string::npos) return true;
    }
    return false;
  }

  const std::string folder_;
  Config config_;
  SystemClock clock_;
  SystemRandom random_;
  MemoryLog log_;
  Metrics metrics_;
};

TEST_F(AppTest, ServesBothPortsAndStopsInOrder) {
  create_key();
  auto app = App::start(config_, needs());
  ASSERT_TRUE(app) << app.error().message;
  EXPECT_EQ(status_of((*app)->api_port(), "/healthz"), 200);
  EXPECT_EQ(status_of((*app)->api_port(), "/readyz"), 503) << "there are no credentials";
  EXPECT_TRUE(logged("vault.no_credentials"));
  const int unsigned_status = status_of((*app)->aws_port(), "/");
  EXPECT_TRUE(unsigned_status == 400 || unsigned_status == 403) << unsigned_status;
  const std::uint16_t port = (*app)->api_port();
  (*app)->stop(std::chrono::seconds(1));
  app->reset();
  EXPECT_EQ(status_of(port, "/healthz"), 0);
}

TEST_F(AppTest, PublishesTheLedgerAndServesIt) {
  create_key();
  ASSERT_TRUE(create_ledger_key(config_.data_path, "ledger.example/app", random_));
  auto app = App::start(config_, needs());
  ASSERT_TRUE(app) << app.error().message;
  EXPECT_EQ(status_of((*app)->api_port(), "/ledger/checkpoint"), 200);
  EXPECT_EQ(status_of((*app)->api_port(), "/ledger/tile/0/000.p/1"), 200) << "policy.loaded";
  EXPECT_EQ(status_of((*app)->api_port(), "/ledger/tile/entries/000.p/1"), 401);
  EXPECT_TRUE((*app)->reload_policies());
  (*app)->stop(std::chrono::seconds(1));
  const ledger::LogFolder folder(ledger_folder(config_.data_path));
  const auto key = read_ledger_key(config_.data_path);
  ASSERT_TRUE(key) << key.error().message;
  const auto checked = ledger::check_log(
      [&folder](const std::string& name) { return folder.read(name); }, key->verifier(), {});
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked->origin, "ledger.example/app");
}

TEST_F(AppTest, AnchorsItsCheckpointAndRefusesAnOlderCopyOfItsData) {
  create_key();
  const std::string disk = config_.data_path + ".disk";
  std::filesystem::create_directory(disk);
  config_.ledger.anchors = {disk + "/keyturn.anchor"};
  ASSERT_TRUE(App::start(config_, needs()));
  const std::string older = config_.data_path + ".older";
  std::filesystem::copy(config_.data_path, older, std::filesystem::copy_options::recursive);
  ASSERT_TRUE(App::start(config_, needs())) << "each start loads policies, which is an entry";
  std::filesystem::remove_all(config_.data_path);
  std::filesystem::rename(older, config_.data_path);
  const auto app = App::start(config_, needs());
  ASSERT_FALSE(app);
  EXPECT_NE(app.error().message.find("an older copy of the data was put back"), std::string::npos)
      << app.error().message;
  std::filesystem::remove_all(disk);
  EXPECT_TRUE(App::start(config_, needs())) << "a disk that is away stops nothing";
  EXPECT_TRUE(logged("ledger.not_anchored"));
}

TEST_F(AppTest, TakesAnotherModelAndRefusesWhatIsNone) {
  create_key();
  const std::string file = config_.data_path + ".model";
  config_.aws.model_path = file;
  EXPECT_EQ(App::start(config_, needs()).error().code, Code::kNotFound);
  std::ofstream(file) << "nonsense\n";
  const auto bad = App::start(config_, needs());
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("line 1"), std::string::npos) << bad.error().message;
  config_.aws.model_path = "/dev/zero";
  EXPECT_EQ(App::start(config_, needs()).error().code, Code::kInvalid);
  std::filesystem::copy_file(KEYTURN_SOURCE_DIR "/data/aws/model.tsv", file,
                             std::filesystem::copy_options::overwrite_existing);
  config_.aws.model_path = file;
  EXPECT_TRUE(App::start(config_, needs()));
}

TEST_F(AppTest, ALogKeyThatIsLostAfterSigningIsNotReplaced) {
  create_key();
  ASSERT_TRUE(App::start(config_, needs()));
  std::filesystem::remove(config_.data_path + "/" + kLedgerKeyFile);
  const auto app = App::start(config_, needs());
  ASSERT_FALSE(app);
  EXPECT_NE(app.error().message.find("put that key back from your backup"), std::string::npos)
      << app.error().message;
  EXPECT_FALSE(has_ledger_key(config_.data_path));
}

// What starting itself records must not make up for what the database has lost.
TEST_F(AppTest, ADatabaseThatLostPublishedEntriesIsRefusedHoweverOftenItIsStarted) {
  create_key();
  const std::string database = database_file(config_.data_path);
  ASSERT_TRUE(App::start(config_, needs()));
  std::filesystem::copy_file(database, folder_ + "/older");
  ASSERT_TRUE(App::start(config_, needs())) << "publishes one more policy.loaded";
  std::filesystem::copy_file(folder_ + "/older", database,
                             std::filesystem::copy_options::overwrite_existing);
  for (int i = 0; i < 3; ++i) {
    const auto app = App::start(config_, needs());
    ASSERT_FALSE(app) << "start " << i;
    EXPECT_EQ(app.error().code, Code::kCorrupt);
    EXPECT_NE(app.error().message.find("but the database has only 1"), std::string::npos)
        << app.error().message;
  }
}

TEST_F(AppTest, ALogKeyThatOthersMayReadIsRefused) {
  create_key();
  ASSERT_TRUE(create_ledger_key(config_.data_path, "", random_));
  const std::string path = config_.data_path + "/" + kLedgerKeyFile;
  std::filesystem::permissions(path, std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  const auto app = App::start(config_, needs());
  ASSERT_FALSE(app);
  EXPECT_NE(app.error().message.find("may be read by others"), std::string::npos);
}

TEST_F(AppTest, OnAFullDiskItGivesUpTheRoomThatWasSetAsideForThat) {
  create_key();
  ASSERT_TRUE(set_reserve_aside(config_.data_path).value());
  Needs on_a_full_disk = needs();
  on_a_full_disk.open_store = [this](const Needs& given) -> Result<std::unique_ptr<store::Store>> {
    if (std::filesystem::exists(config_.data_path + "/" + kReserveFile)) {
      return fail(Code::kExhausted, "no space left on device");
    }
    return store::open_sqlite({.path = database_file(config_.data_path)}, given.clock, given.log,
                              given.metrics);
  };
  auto app = App::start(config_, on_a_full_disk);
  ASSERT_TRUE(app) << app.error().message;
  EXPECT_TRUE(logged("disk.reserve_used"));
  // There is room by now, so some is set aside again.
  EXPECT_TRUE(std::filesystem::exists(config_.data_path + "/" + kReserveFile));
}

TEST_F(AppTest, OnADiskThatStaysFullItSaysSo) {
  create_key();
  ASSERT_TRUE(set_reserve_aside(config_.data_path).value());
  Needs on_a_full_disk = needs();
  on_a_full_disk.open_store = [](const Needs&) -> Result<std::unique_ptr<store::Store>> {
    return fail(Code::kExhausted, "no space left on device");
  };
  const auto app = App::start(config_, on_a_full_disk);
  ASSERT_FALSE(app);
  EXPECT_EQ(app.error().message, "no space left on device");
}

// The machine's clock, set ahead.
class AheadClock final : public Clock {
 public:
  Time now() const override { return clock_.now() + std::chrono::hours(1); }
  Instant monotonic() const override { return clock_.monotonic(); }

 private:
  SystemClock clock_;
};

TEST_F(AppTest, ASecondStartSaysThatTheClockIsBehindTheRecordUntilAnOperatorAcceptsIt) {
  create_key();
  const AheadClock ahead;
  const Needs with_clock_ahead{.clock = ahead,
                               .random = random_,
                               .log = log_,
                               .metrics = metrics_,
                               .environment = needs().environment};
  ASSERT_TRUE(App::start(config_, with_clock_ahead));
  EXPECT_FALSE(logged("clock.behind_record"));
  ASSERT_TRUE(App::start(config_, needs()));
  EXPECT_TRUE(logged("clock.behind_record"));
  config_.accept_clock = true;
  ASSERT_TRUE(App::start(config_, needs()));
  EXPECT_TRUE(logged("clock.accepted"));
  config_.accept_clock = false;
  const std::size_t lines = log_.lines().size();
  ASSERT_TRUE(App::start(config_, needs()));
  for (std::size_t i = lines; i < log_.lines().size(); ++i) {
    EXPECT_EQ(log_.lines()[i].find("clock.behind_record"), std::string::npos) << log_.lines()[i];
  }
}

TEST_F(AppTest, StartsAgainOnTheSameFolder) {
  create_key();
  for (int i = 0; i < 2; ++i) {
    auto app = App::start(config_, needs());
    ASSERT_TRUE(app) << app.error().message;
  }
}

TEST_F(AppTest, WithoutASealingKeyItSaysWhatToDo) {
  const auto app = App::start(config_, needs());
  ASSERT_FALSE(app);
  EXPECT_EQ(app.error().message,
            "no sealing key at `" + config_.data_path + "/sealing.key`; run `keyturn init` first");
}

TEST_F(AppTest, TheDataFolderHasOneMaster) {
  create_key();
  auto app = App::start(config_, needs());
  ASSERT_TRUE(app) << app.error().message;
  const auto second = Core::open(config_, needs());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kConflict) << second.error().message;
}

TEST_F(AppTest, BadPoliciesRefuseToStart) {
  create_key();
  write_policy("permit (principal, action, resource) when { context.nonsense };");
  const auto app = App::start(config_, needs());
  ASSERT_FALSE(app);
  EXPECT_NE(app.error().message.find("p.cedar:1"), std::string::npos) << app.error().message;
}

TEST_F(AppTest, BadPoliciesOnReloadLeaveTheOldOnesInForce) {
  create_key();
  write_policy("permit (principal, action, resource);");
  auto app = App::start(config_, needs());
  ASSERT_TRUE(app) << app.error().message;
  write_policy("permit (principal action resource);");
  EXPECT_FALSE((*app)->reload_policies());
  EXPECT_EQ(status_of((*app)->api_port(), "/healthz"), 200);
  write_policy("forbid (principal, action, resource);");
  EXPECT_TRUE((*app)->reload_policies());
}

TEST_F(AppTest, APortInUseIsNamed) {
  create_key();
  auto app = App::start(config_, needs());
  ASSERT_TRUE(app) << app.error().message;
  Config other = config_;
  other.data_path = folder_ + "/other";
  other.server.aws_port = (*app)->aws_port();
  ASSERT_TRUE(create_folder(other.data_path));
  ASSERT_TRUE(create_sealing_key(other.data_path, random_));
  const auto second = App::start(other, needs());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(std::to_string(other.server.aws_port)), std::string::npos)
      << second.error().message;
}

}  // namespace
}  // namespace keyturn::app
