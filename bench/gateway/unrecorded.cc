// The gateway with recording off, to see what recording costs: the rooms as app composes them, over
// a store that drops what the request path writes. It exists only here; the product has no such
// switch.
//
//   bench_gateway_unrecorded UPSTREAM_URL
//
// Prints one JSON line with its port and a session's keys, serves until the end of stdin, and then
// prints its metrics.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "app/policies.h"
#include "aws/aws.h"
#include "base/json.h"
#include "ledger/ledger.h"
#include "review/review.h"

namespace keyturn::bench {
namespace {

// Reads see the store; writes succeed and leave nothing.
class ForgetfulTransaction final : public store::Transaction {
 public:
  explicit ForgetfulTransaction(store::Transaction& real) : real_(real) {}
  store::Engine engine() const override { return real_.engine(); }
  Result<std::int64_t> execute(std::string_view /*sql*/, Parameters /*parameters*/) override {
    return 1;
  }
  Result<store::Rows> query(std::string_view sql, Parameters parameters) override {
    return real_.query(sql, parameters);
  }
  std::int64_t writer() const override { return real_.writer(); }
  Result<std::vector<std::int64_t>> other_writers() override { return real_.other_writers(); }

 private:
  store::Transaction& real_;
};

class ForgetfulStore final : public store::Store {
 public:
  explicit ForgetfulStore(store::Store& real) : real_(real) {}
  void forget() { forgetting_.store(true); }

  store::Engine engine() const override { return real_.engine(); }
  bool is_shared() const override { return real_.is_shared(); }
  Result<void> migrate(std::string_view room,
                       std::span<const store::Migration> migrations) override {
    return real_.migrate(room, migrations);
  }
  void submit(store::Unit unit, store::Committed done) override {
    if (!forgetting_.load()) return real_.submit(std::move(unit), std::move(done));
    real_.submit(
        [unit = std::move(unit)](store::Transaction& transaction) {
          ForgetfulTransaction forgetful(transaction);
          return unit(forgetful);
        },
        std::move(done));
  }
  Result<void> read(const store::Unit& unit) override { return real_.read(unit); }
  void set_batch_step(store::Unit step, store::Committed done) override {
    real_.set_batch_step(std::move(step), std::move(done));
  }
  void close() override { real_.close(); }

 private:
  bool on_writer_thread() const override { return false; }
  store::Store& real_;
  std::atomic<bool> forgetting_{false};
};

template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "bench_gateway_unrecorded: %s\n", result.error().message.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

identity::Identity::StartedSession start_session(store::Store& store,
                                                 identity::Identity& identity) {
  std::optional<identity::Identity::StartedSession> session;
  must(store.run([&](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(identity.create_person(transaction, {.id = PersonId("alice"), .name = "alice"}));
    TRY_VOID(identity.create_agent(transaction, AgentId("kiro"), PersonId("alice")));
    TRY(session, identity.start_session(transaction, {.agent = AgentId("kiro"),
                                                      .starter = PersonId("alice"),
                                                      .purpose = "benchmark"}));
    return {};
  }));
  must(identity.refresh());
  return std::move(*session);
}

void seal_credentials(store::Store& store, vault::Vault& vault) {
  vault::Credentials credentials;
  credentials.access_key_id = "AKIABENCHBENCHBENCH1";
  credentials.secret_access_key = crypto::Secret("bench/secret/bench/secret/bench/secret/1");
  must(store.run(
      [&](store::Transaction& transaction) { return vault.seal(transaction, credentials); }));
  must(vault.refresh());
}

void print_keys(std::uint16_t port, const identity::SessionKeys& keys) {
  std::printf("%s\n", fmt::format(R"({{"port": {}, "id": "{}", "secret": "{}", "token": "{}"}})",
                                  port, keys.access_key_id, keys.secret_access_key.view(),
                                  keys.session_token.view())
                          .c_str());
  std::fflush(stdout);
}

void serve(const std::string& upstream, const std::filesystem::path& folder) {
  const SystemClock clock;
  SystemRandom random;
  MemoryLog log;
  Metrics metrics;
  const auto real = must(store::open_sqlite({.path = folder / "store.db"}, clock, log, metrics));
  ForgetfulStore store(*real);
  const auto ledger = must(ledger::Ledger::open(store, clock));
  const auto key = must(crypto::SealingKey::from_bytes(std::string(32, 'k')));
  const auto identity = must(identity::Identity::open(store, clock, random, key));
  const auto reviews = must(review::Reviews::open(store, *identity, clock, random, {}));
  gate::Gate gate(store, *ledger, *identity, *reviews, clock, log, metrics, {});
  must(gate.set_policies(must(app::load_policies(""))));
  const auto vault = must(vault::Vault::open(
      store, clock, random, log, key, {},
      [](std::string_view) -> std::optional<std::string> { return std::nullopt; },
      [](const vault::MetadataRequest&) -> Result<std::string> {
        return fail(Code::kUnavailable, "none");
      }));
  seal_credentials(store, *vault);
  const auto session = start_session(store, *identity);
  const Environments environments(std::vector<Environment>{});
  const auto loops =
      must(http::Loops::start(std::max(1U, std::thread::hardware_concurrency()), log));
  const auto client = must(http::Client::create(*loops, {}, log));
  const auto gateway =
      must(aws::Gateway::create({.model = must(aws::load_embedded_model()),
                                 .gate = gate,
                                 .identity = *identity,
                                 .vault = *vault,
                                 .client = *client,
                                 .environments = environments,
                                 .clock = clock,
                                 .random = random,
                                 .log = log,
                                 .metrics = metrics},
                                {.account = "123456789012", .upstream = upstream}));
  const auto server = must(http::Server::listen(
      *loops, {}, [&gateway](http::Exchange& exchange) { return gateway->handle(exchange); }, log,
      metrics));
  store.forget();
  print_keys(server->port(), session.keys);
  while (std::getchar() != EOF) {
  }
  std::printf("%s", metrics.render().c_str());
  server->drain(std::chrono::seconds(1));
  loops->stop();
  store.close();
}

}  // namespace
}  // namespace keyturn::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: bench_gateway_unrecorded UPSTREAM_URL\n", stderr);
    return 2;
  }
  keyturn::SystemRandom random;
  const auto folder = std::filesystem::temp_directory_path() /
                      ("keyturn-bench-" + random.token(12, "abcdefghijklmnop"));
  std::filesystem::create_directory(folder);
  keyturn::bench::serve(argv[1], folder);
  std::filesystem::remove_all(folder);
}
