#include "api/test_world.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <sstream>

namespace keyturn::api {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().message;
    std::abort();
  }
  return std::move(*result);
}

void must(const Result<void>& result) {
  if (result) return;
  ADD_FAILURE() << result.error().message;
  std::abort();
}

std::shared_ptr<const gate::Policies> test_policies() {
  const std::string policies = KEYTURN_SOURCE_DIR "/policies/";
  const auto read = [&](const std::string& name) {
    std::ifstream stream(policies + name);
    std::ostringstream text;
    text << stream.rdbuf();
    return gate::Policies::File{name, text.str()};
  };
  std::vector<gate::Policies::File> files;
  for (const auto& entry : std::filesystem::directory_iterator(policies)) {
    if (entry.path().extension() == ".cedar") files.push_back(read(entry.path().filename()));
  }
  return must(gate::Policies::load(files, read("keyturn.cedarschema")));
}

}  // namespace

World::World()
    : folder(testing::TempDir() + "keyturn-api-" + std::to_string(::getpid()) + "-" +
             SystemRandom().token(8, "abcdefgh")) {
  std::filesystem::create_directories(folder);
  store = must(store::open_sqlite({.path = folder + "/keyturn.db"}, clock, log, metrics));
  ledger = must(ledger::Ledger::open(*store, clock));
  const auto key = must(crypto::SealingKey::from_bytes(std::string(32, 'k')));
  identity = must(identity::Identity::open(*store, clock, random, key));
  const auto no_variable = [](std::string_view) { return std::optional<std::string>(); };
  const auto no_metadata = [](const vault::MetadataRequest&) -> Result<std::string> {
    return fail(Code::kUnavailable, "no metadata here");
  };
  vault = must(vault::Vault::open(*store, clock, random, log, key, {}, no_variable, no_metadata));
  reviews = must(review::Reviews::open(*store, *identity, clock, random, {}));
  gate = std::make_unique<gate::Gate>(*store, *ledger, *identity, *reviews, clock, log, metrics,
                                      gate::GateOptions{});
  must(gate->set_policies(test_policies()));
  must(store->run([this](store::Transaction& transaction) -> Result<void> {
    TRY(const crypto::Secret token,
        identity->create_person(transaction,
                                {PersonId("root"), "Root", identity::Role::kAdministrator}));
    tokens["root"] = token.view();
    return {};
  }));
  must(identity->refresh());
  loops = must(http::Loops::start(1, log));
  api = must(Api::create({*store, *ledger, *identity, *reviews, *gate, *vault, clock, log, metrics},
                         {.host_names = {"keyturn.example.com"},
                          .version = "1.2.3",
                          .ledger_folder = folder + "/ledger"}));
  server = must(http::Server::listen(
      *loops, {}, [this](http::Exchange& exchange) { return api->handle(exchange); }, log,
      metrics));
}

World::~World() {
  server->drain(std::chrono::seconds(1));
  loops->stop();
  store->close();
  server.reset();
  api.reset();
  std::filesystem::remove_all(folder);
}

World::Asked World::ask(std::string_view method, std::string_view target, const std::string& person,
                        std::string body, http::Headers more) const {
  http::RequestHead head;
  head.method = method;
  head.target = target;
  if (!person.empty()) head.headers.add("authorization", "Bearer " + tokens.at(person));
  if (!body.empty() && !more.find("content-type")) {
    head.headers.add("content-type", "application/json");
  }
  for (const auto& [name, value] : more) head.headers.add(name, value);
  auto response = http::fetch({"http", "127.0.0.1", server->port()}, std::move(head),
                              std::move(body), std::chrono::seconds(20));
  if (!response) {
    ADD_FAILURE() << method << " " << target << ": " << response.error().message;
    return {};
  }
  auto json = parse_strict(response->body);
  return {response->status, json ? std::move(*json) : Json(), std::move(response->headers),
          std::move(response->body)};
}

World::Asked World::get(std::string_view target, const std::string& person) const {
  return ask("GET", target, person);
}

World::Asked World::post(std::string_view target, const std::string& person,
                         const Json& body) const {
  return ask("POST", target, person, to_text(body));
}

void World::add_person(const std::string& id) {
  const Asked asked = post("/v1/persons", "root", Json::object({{"id", id}}));
  ASSERT_EQ(asked.status, 201) << asked.text;
  tokens[id] = *asked.body.get_string("token");
}

std::string World::hold_change(const std::string& agent, const std::string& owner) {
  const Asked session = post("/v1/sessions", owner,
                             Json::object({{"agent", agent}, {"purpose", "fix the rounding"}}));
  EXPECT_EQ(session.status, 201) << session.text;
  gate::Question question;
  question.holder = identity->find_key(session.body.string_or("access_key_id", ""));
  question.request_id = "req_1";
  question.reason = "a reason \x1b[2J";
  question.action.door = "aws";
  question.action.service = "cloudformation";
  question.action.operation = "UpdateStack";
  question.action.effect = Effect::kChange;
  question.action.understood = true;
  question.action.account = "123456789012";
  question.action.region = "eu-west-1";
  Resource resource;
  resource.name = "arn:aws:cloudformation:eu-west-1:123456789012:stack/prod/1";
  resource.type = "cloudformation:stack";
  question.action.resources = {resource};
  question.action.parameters = Json::object({{"Template", std::string(100'000, 'x')}});
  question.action.canonical_request = "canonical";
  std::promise<Result<gate::Decision>> promise;
  auto decided = promise.get_future();
  gate->decide(question,
               [&](Result<gate::Decision> decision) { promise.set_value(std::move(decision)); });
  const auto decision = decided.get();
  EXPECT_TRUE(decision && decision->change) << (decision ? decision->message : "no decision");
  return decision && decision->change ? decision->change->id.text() : "";
}

std::vector<std::string> World::ledger_kinds() const {
  std::vector<std::string> kinds;
  for (const ledger::Entry& entry : must(ledger->read(0, 1'000))) kinds.push_back(entry.kind);
  return kinds;
}

}  // namespace keyturn::api
