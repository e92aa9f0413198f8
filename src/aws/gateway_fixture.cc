#include "aws/gateway_fixture.h"

#include <fstream>
#include <sstream>
#include <thread>

#include "aws/chunked.h"
#include "aws/test_support.h"
#include "base/bytes.h"

namespace keyturn::aws {
namespace {

constexpr std::uint64_t kBodyBytesMax = 256U << 20U;

std::string read_text(const std::filesystem::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::shared_ptr<const gate::Policies> default_pack() {
  const std::filesystem::path folder = std::string(KEYTURN_SOURCE_DIR) + "/policies";
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".cedar") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  std::vector<gate::Policies::File> files;
  for (const auto& path : paths) files.push_back({path.filename(), read_text(path)});
  auto policies = gate::Policies::load(
      files, {"keyturn.cedarschema", read_text(folder / "keyturn.cedarschema")});
  EXPECT_TRUE(policies) << policies.error().message;
  return *policies;
}

template <class T>
T unwrap(Result<T> result) {
  EXPECT_TRUE(result) << result.error().message;
  return std::move(*result);
}

}  // namespace

void GatewayTest::TearDown() { tear_down(); }

void GatewayTest::tear_down() {
  using namespace std::chrono_literals;
  if (server_) server_->drain(1s);
  if (upstream_) upstream_->drain(0s);
  if (loops_) loops_->stop();
  server_.reset();
  upstream_.reset();
  client_.reset();
  loops_.reset();
  if (store_) store_->close();
  gateway_.reset();
  gate_.reset();
  vault_.reset();
  reviews_.reset();
  identity_.reset();
  ledger_.reset();
  store_.reset();
  session_.reset();
  std::filesystem::remove_all(folder_);
}

void GatewayTest::build(GatewayOptions options) {
  tear_down();
  folder_ = std::filesystem::temp_directory_path() /
            ("keyturn-gateway-" + random_.token(12, "abcdefghijklmnop"));
  const EnvironmentSelector by_arn{.arns = {"*:table/dev-*", "arn:aws*:s3:::dev-*"}};
  const EnvironmentSelector by_tag{.tags = {{"env", "dev"}}};
  environments_ =
      Environments({{.name = "dev", .tier = Tier::kDevelopment, .selectors = {by_arn, by_tag}}});
  seen_.clear();
  answer_ = [](const Seen&) { return UpstreamAnswer(); };
  known_upstream_ = {
      {"ASIAVAULTVAULTVAULT1", {std::string(kVaultSecret), std::string(kVaultToken)}}};
  open_rooms();
  start_session();
  open_servers(std::move(options));
}

void GatewayTest::open_rooms() {
  store_ = unwrap(store::open_sqlite({.path = folder_ / "store.db"}, clock_, log_, metrics_));
  ledger_ = unwrap(ledger::Ledger::open(*store_, clock_));
  const auto key = unwrap(crypto::SealingKey::from_bytes(std::string(32, 'k')));
  identity_ = unwrap(identity::Identity::open(*store_, clock_, random_, key));
  reviews_ = unwrap(review::Reviews::open(*store_, *identity_, clock_, random_, {}));
  gate_ = std::make_unique<gate::Gate>(*store_, *ledger_, *identity_, *reviews_, clock_, log_,
                                       metrics_, gate::GateOptions{});
  ASSERT_TRUE(gate_->set_policies(default_pack()));
  vault_ = unwrap(vault::Vault::open(
      *store_, clock_, random_, log_, key, {},
      [](std::string_view) -> std::optional<std::string> { return std::nullopt; },
      [](const vault::MetadataRequest&) -> Result<std::string> {
        return fail(Code::kUnavailable, "none");
      }));
  vault::Credentials credentials;
  credentials.access_key_id = "ASIAVAULTVAULTVAULT1";
  credentials.secret_access_key = crypto::Secret(kVaultSecret);
  credentials.session_token = crypto::Secret(kVaultToken);
  ASSERT_TRUE(store_->run(
      [&](store::Transaction& transaction) { return vault_->seal(transaction, credentials); }));
  ASSERT_TRUE(vault_->refresh());
}

void GatewayTest::start_session() {
  ASSERT_TRUE(store_->run([&](store::Transaction& transaction) -> Result<void> {
    for (const char* name : {"owner", "alice", "bob"}) {
      TRY_VOID(identity_->create_person(transaction, {.id = PersonId(name), .name = name}));
    }
    TRY_VOID(identity_->create_agent(transaction, AgentId("kiro"), PersonId("owner")));
    TRY(session_, identity_->start_session(transaction, {.agent = AgentId("kiro"),
                                                         .starter = PersonId("owner"),
                                                         .purpose = "fix the rounding bug"}));
    return {};
  }));
  ASSERT_TRUE(identity_->refresh());
}

void GatewayTest::open_servers(GatewayOptions options) {
  loops_ = unwrap(http::Loops::start(2, log_));
  http::ClientOptions client;
  client.response_timeout = std::chrono::milliseconds(1'500);
  client_ = unwrap(http::Client::create(*loops_, client, log_));
  upstream_ = unwrap(http::Server::listen(
      *loops_, {}, [this](http::Exchange& exchange) { return serve_upstream(exchange); }, log_,
      metrics_));
  make_gateway(std::move(options));
  server_ = unwrap(http::Server::listen(
      *loops_, {}, [this](http::Exchange& exchange) { return gateway_->handle(exchange); }, log_,
      metrics_));
}

void GatewayTest::make_gateway(GatewayOptions options) {
  options.account = "123456789012";
  if (!options.upstream) options.upstream = fmt::format("http://127.0.0.1:{}", upstream_->port());
  if (model_ == nullptr) model_ = unwrap(load_embedded_model());
  gateway_ = unwrap(Gateway::create({.model = model_,
                                     .gate = *gate_,
                                     .identity = *identity_,
                                     .vault = *vault_,
                                     .client = *client_,
                                     .environments = environments_,
                                     .clock = clock_,
                                     .random = random_,
                                     .log = log_,
                                     .metrics = metrics_},
                                    std::move(options)));
}

void GatewayTest::restart_gateway() {
  server_->drain(std::chrono::seconds(1));
  server_.reset();
  make_gateway({});
  server_ = unwrap(http::Server::listen(
      *loops_, {}, [this](http::Exchange& exchange) { return gateway_->handle(exchange); }, log_,
      metrics_));
}

Checked<SigningKeys::Key> GatewayTest::check_signature(const http::RequestHead& head,
                                                       const Claim& claim, std::string_view body) {
  const auto name = read_payload_name(head, claim);
  if (!name) return tl::unexpected<Refused>(name.error());
  identity::SessionKeys keys;
  keys.access_key_id = claim.access_key_id;
  {
    const std::scoped_lock lock(mutex_);
    const auto known = known_upstream_.find(claim.access_key_id);
    if (known == known_upstream_.end()) {
      return refuse(Fault::kUnknownKey, "upstream does not know {}", claim.access_key_id);
    }
    keys.secret_access_key = crypto::Secret(known->second.first);
    keys.session_token = crypto::Secret(known->second.second);
  }
  const std::string payload = *name ? (*name)->text : crypto::sha256(body).hex();
  if (*name && (*name)->kind == Payload::kDigest && crypto::sha256(body).hex() != payload) {
    return refuse(Fault::kWrongSignature, "the body is not the signed one");
  }
  return verify_signature(head, claim, payload, keys, clock_.now(), {}, upstream_keys_);
}

http::Task<> GatewayTest::serve_upstream(http::Exchange& exchange) {
  Seen seen;
  seen.head = exchange.head();
  seen.ledger_size = ledger_->head()->size;
  const auto raw = co_await http::read_all(exchange.body(), kBodyBytesMax);
  const auto claim = read_claim(seen.head);
  if (!raw || !claim) {
    seen.refused = raw ? claim.error().message : raw.error().message;
    const std::scoped_lock lock(mutex_);
    seen_.push_back(std::move(seen));
    co_return fail(Code::kInvalid, "no whole request");
  }
  const auto key = check_signature(seen.head, *claim, *raw);
  if (!key) seen.refused = key.error().message;
  seen.body = *raw;
  seen.complete = key.has_value();
  const auto name = read_payload_name(seen.head, *claim);
  if (key && name && *name && is_streaming((*name)->kind)) {
    auto options = read_chunked_options(seen.head.headers, (*name)->kind);
    options->seed = {claim->timestamp, claim->scope(), claim->signature};
    options->key = *key;
    http::StringBody body(*raw);
    const auto reader = ChunkedReader::create(body, std::move(*options));
    const auto decoded = co_await http::read_all(*reader, kBodyBytesMax);
    seen.complete = decoded.has_value();
    seen.body = decoded.value_or("");
    if (!decoded) seen.refused = decoded.error().message;
  }
  UpstreamAnswer answer;
  {
    const std::scoped_lock lock(mutex_);
    answer = answer_(seen);
    seen_.push_back(std::move(seen));
  }
  if (answer.hang_up) co_return fail(Code::kUnavailable, "hangs up");
  if (answer.silent) co_await http::sleep(std::chrono::seconds(5));
  http::ResponseHead head{.status = answer.status, .headers = answer.headers};
  co_return co_await exchange.respond(std::move(head), std::move(answer.body));
}

Ask GatewayTest::dynamodb(std::string_view operation, std::string_view table,
                          std::string_view more) {
  Ask ask;
  ask.headers = {{"content-type", "application/x-amz-json-1.0"},
                 {"x-amz-target", fmt::format("DynamoDB_20120810.{}", operation)}};
  ask.body = fmt::format(R"({{"TableName":"{}"{}}})", table, more);
  return ask;
}

void GatewayTest::add_upstream_keys(std::string id, std::string secret, std::string token) {
  const std::scoped_lock lock(mutex_);
  known_upstream_[std::move(id)] = {std::move(secret), std::move(token)};
}

http::RequestHead GatewayTest::sign(const Ask& ask, const identity::SessionKeys& keys) {
  http::RequestHead head{.method = ask.method, .target = ask.target, .headers = ask.headers};
  const http::Origin origin{"http", "127.0.0.1", server_->port()};
  const std::string host = fmt::format("127.0.0.1:{}", server_->port());
  const std::string payload = ask.payload.value_or(crypto::sha256(ask.body).hex());
  const KeysSigner signer(keys.access_key_id, keys.secret_access_key.view(),
                          keys.session_token.view());
  EXPECT_TRUE(sign_for_upstream(
      head, host, payload,
      {.region = "us-east-1", .service = ask.service, .with = signed_with(ask.service)},
      clock_.now(), signer));
  return head;
}

Reply GatewayTest::send(const http::RequestHead& head, std::string_view body) {
  http::StringBody text{std::string(body)};
  return send(head, text);
}

Reply GatewayTest::send(const http::RequestHead& head, http::Body& body) {
  const http::Origin origin{"http", "127.0.0.1", server_->port()};
  const std::function<http::Task<Reply>()> task = [&]() -> http::Task<Reply> {
    http::RequestHead copy = head;
    http::Body& sent = body;
    CO_TRY(http::ClientResponse response, co_await client_->send(origin, std::move(copy), sent));
    Reply reply;
    reply.status = response.head.status;
    reply.headers = response.head.headers;
    CO_TRY(reply.body, co_await http::read_all(*response.body, kBodyBytesMax));
    co_return reply;
  };
  auto reply = on_loop<Reply>(task);
  if (!reply) return Reply{.status = 0, .headers = {}, .body = reply.error().message};
  for (const auto& [name, value] : reply->headers) replies_ += name + ": " + value + "\n";
  replies_ += reply->body;
  return std::move(*reply);
}

ChangeId GatewayTest::change_of(const Reply& reply) {
  const auto id = ChangeId::parse(reply.headers.find("x-keyturn-change").value_or(""));
  EXPECT_TRUE(id) << reply.status << reply.body;
  return id.value_or(ChangeId{});
}

Result<review::Reviews::Given> GatewayTest::review(ChangeId id, std::string_view person,
                                                   review::Answer answer, std::string_view words) {
  Digest digest;
  TRY_VOID(store_->read([&](store::Transaction& transaction) -> Result<void> {
    TRY(const review::Change change, reviews_->get_change(transaction, id));
    digest = change.digest;
    return {};
  }));
  return gate_->give_review(id, PersonId(std::string(person)), answer, digest, words);
}

std::vector<Seen> GatewayTest::seen() const {
  const std::scoped_lock lock(mutex_);
  return seen_;
}

void GatewayTest::answer_with(std::function<UpstreamAnswer(const Seen&)> answer) {
  const std::scoped_lock lock(mutex_);
  answer_ = std::move(answer);
}

std::vector<Json> GatewayTest::entries(std::string_view kind, std::size_t count) {
  // An outcome is recorded after its answer has been sent: yield to the writer thread, however busy
  // the machine is.
  const SystemClock clock;
  const Instant deadline = clock.monotonic() + std::chrono::seconds(30);
  std::vector<Json> found;
  while (clock.monotonic() < deadline) {
    found.clear();
    const auto all = ledger_->read(0, 1'000);
    for (const auto& entry : *all) {
      if (entry.kind == kind) found.push_back(*parse_strict(entry.text)->find("body"));
    }
    if (found.size() >= count) return found;
    std::this_thread::yield();
  }
  ADD_FAILURE() << "the ledger has " << found.size() << " of " << count << " " << kind;
  return found;
}

std::string GatewayTest::everything_said() {
  std::string text = replies_;
  const auto all = ledger_->read(0, 1'000);
  for (const auto& entry : *all) text += entry.text;
  for (const std::string& line : log_.lines()) text += line;
  text += metrics_.render();
  return text;
}

}  // namespace keyturn::aws
