// The whole house around a gateway, for its tests: real store, ledger, identity, reviews, gate,
// vault and HTTP on loopback, and an upstream that verifies each signature it gets with our own
// verifier.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "aws/aws.h"
#include "aws/sigv4.h"
#include "ledger/ledger.h"
#include "review/review.h"

namespace keyturn::aws {

// What upstream saw of one request.
struct Seen {
  http::RequestHead head;
  std::string body;               // decoded from aws-chunked
  bool complete = false;          // the body arrived whole, every chunk verified
  std::string refused;            // why its signature did not verify; empty when it did
  std::uint64_t ledger_size = 0;  // when it arrived
};

struct UpstreamAnswer {
  int status = 200;
  http::Headers headers = {{"x-amzn-requestid", "upstream-1"}};
  std::string body = "{}";
  bool hang_up = false;  // close without an answer
  bool silent = false;   // never answer
};

struct Reply {
  int status = 0;
  http::Headers headers;
  std::string body;
};

// A request of an agent, before it is signed.
struct Ask {
  std::string service = "dynamodb";
  std::string method = "POST";
  std::string target = "/";
  http::Headers headers = {};
  std::string body = "";
  std::optional<std::string> payload = std::nullopt;  // text for x-amz-content-sha256
};

class GatewayTest : public testing::Test {
 protected:
  void SetUp() override { build({}); }
  void TearDown() override;
  // Builds the house anew.
  void build(GatewayOptions options);
  void tear_down();
  // As a new process would find the house.
  void restart_gateway();

  static Ask dynamodb(std::string_view operation, std::string_view table,
                      std::string_view more = "");
  // Signed with the session's keys, or those, at the clock's time.
  http::RequestHead sign(const Ask& ask) { return sign(ask, session_->keys); }
  http::RequestHead sign(const Ask& ask, const identity::SessionKeys& keys);
  Reply send(const http::RequestHead& head, std::string_view body);
  Reply send(const http::RequestHead& head, http::Body& body);
  Reply ask(const Ask& what) { return send(sign(what), what.body); }
  // The change named in a reply.
  ChangeId change_of(const Reply& reply);
  Result<review::Reviews::Given> review(ChangeId id, std::string_view person, review::Answer answer,
                                        std::string_view words = "ok");
  // Runs a task on the loop and waits for it.
  template <class T>
  Result<T> on_loop(std::function<http::Task<T>()> task);

  std::vector<Seen> seen() const;
  void answer_with(std::function<UpstreamAnswer(const Seen&)> answer);
  // The bodies of ledger entries of a kind, waiting until there are `count`.
  std::vector<Json> entries(std::string_view kind, std::size_t count);
  // Everything that could have leaked: ledger, log, replies.
  std::string everything_said();
  // Upstream takes these as well as the vault's.
  void add_upstream_keys(std::string id, std::string secret, std::string token);

  ManualClock clock_;
  SystemRandom random_;
  MemoryLog log_;
  Metrics metrics_;
  std::filesystem::path folder_;
  Environments environments_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<identity::Identity> identity_;
  std::unique_ptr<review::Reviews> reviews_;
  std::unique_ptr<gate::Gate> gate_;
  std::unique_ptr<vault::Vault> vault_;
  std::unique_ptr<http::Loops> loops_;
  std::unique_ptr<http::Client> client_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<http::Server> upstream_;
  std::unique_ptr<http::Server> server_;
  std::optional<identity::Identity::StartedSession> session_;
  std::shared_ptr<const Model> model_;

  static constexpr std::string_view kVaultSecret = "vaultSecret/wJalrXUtnFEMI+K7MDENGbPxRfi0";
  static constexpr std::string_view kVaultToken = "vault-session-token/AAAABBBBCCCCDDDD==";

 private:
  void open_rooms();
  void open_servers(GatewayOptions options);
  void make_gateway(GatewayOptions options);
  void start_session();
  http::Task<> serve_upstream(http::Exchange& exchange);
  Checked<SigningKeys::Key> check_signature(const http::RequestHead& head, const Claim& claim,
                                            std::string_view body);

  mutable std::mutex mutex_;
  std::vector<Seen> seen_;
  std::function<UpstreamAnswer(const Seen&)> answer_;
  std::string replies_;
  SigningKeys upstream_keys_;
  std::map<std::string, std::pair<std::string, std::string>> known_upstream_;  // secret, token
};

template <class T>
Result<T> GatewayTest::on_loop(std::function<http::Task<T>()> task) {
  auto done = std::make_shared<std::promise<Result<T>>>();
  auto future = done->get_future();
  loops_->spawn(0, [task = std::move(task), done]() -> http::Task<> {
    const std::function<http::Task<T>()> run = task;
    const auto promise = done;
    auto result = co_await run();
    promise->set_value(std::move(result));
    co_return Result<void>();
  });
  return future.get();
}

}  // namespace keyturn::aws
