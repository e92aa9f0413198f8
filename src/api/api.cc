#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include "api/call.h"
#include "api/door.h"
#include "api/route.h"

namespace keyturn::api {
namespace {

// Threads that wait for the store so that no event loop does. A change of state takes one commit.
constexpr std::size_t kThreads = 4;
// Requests running or waiting for a thread; some seconds of commits. Beyond it: 503.
constexpr std::size_t kRunningMax = 256;
constexpr Duration kCallTimeout = std::chrono::seconds(30);  // a full store queue takes seconds

class Handlers final : public Api {
 public:
  Handlers(Needs needs, ApiOptions options) : needs_(needs), options_(std::move(options)) {
    if (!options_.executor) threads_.emplace(kThreads);
    executor_ = options_.executor ? *options_.executor : threads_->get_executor();
  }
  ~Handlers() override {
    if (threads_) threads_->join();
  }

  http::Task<> handle(http::Exchange& exchange) override;

 private:
  // One request between its checks and its answer.
  struct Visit {
    Match match;
    std::string query;
    identity::Person person;
  };
  // Finds the route and who asks, or why it goes no further.
  std::optional<Refusal> admit(const http::RequestHead& head, Visit& visit) const;
  std::optional<Refusal> authenticate(const http::RequestHead& head, Visit& visit) const;
  http::Task<Answer> run(http::Exchange& exchange, Visit& visit);
  http::Task<Answer> call(std::shared_ptr<Call> call, Result<Answer> (*handler)(Call&));
  void count(const Visit& visit, int status);

  Needs needs_;
  const ApiOptions options_;
  std::atomic<std::size_t> running_{0};
  std::optional<boost::asio::thread_pool> threads_;
  http::Executor executor_;
};

std::optional<Refusal> Handlers::admit(const http::RequestHead& head, Visit& visit) const {
  const std::size_t question = std::min(head.target.find('?'), head.target.size());
  const std::string path = head.target.substr(0, question);
  visit.query = head.target.substr(std::min(question + 1, head.target.size()));
  visit.match = find_route(head.method, path);
  // Probes of load balancers come by address; they see nothing that a page could use.
  const bool probe = path == "/healthz" || path == "/readyz";
  if (!probe) {
    if (auto refusal = check_host(head.headers, options_.host_names)) return refusal;
  }
  if (visit.match.route == nullptr) {
    if (visit.match.allow.empty()) {
      return Refusal{404, "not_found", fmt::format("nothing is at `{}`", printable(path, 200))};
    }
    return Refusal{405, "method_not_allowed",
                   fmt::format("`{}` takes {}, not `{}`", printable(path, 200), visit.match.allow,
                               printable(head.method, 40))};
  }
  if (visit.match.route->access == Access::kAnyone) return std::nullopt;
  return authenticate(head, visit);
}

std::optional<Refusal> Handlers::authenticate(const http::RequestHead& head, Visit& visit) const {
  if (is_mutation(*visit.match.route)) {
    if (auto refusal = check_origin(head.headers)) return refusal;
  }
  const std::optional<std::string> token = bearer_token(head.headers);
  if (!token) {
    return Refusal{401, "unauthenticated", "send your token as `Authorization: Bearer ktp_…`"};
  }
  auto person = needs_.identity.authenticate(*token);
  if (!person && person.error().code != Code::kDenied) return to_refusal(person.error());
  if (!person) return Refusal{401, "unauthenticated", std::move(person.error().message)};
  visit.person = std::move(*person);
  if (visit.match.route->access == Access::kAdministrator &&
      visit.person.role != identity::Role::kAdministrator) {
    return Refusal{
        403, "denied",
        fmt::format("`{}` is not an administrator, and this takes one", visit.person.id.text())};
  }
  return std::nullopt;
}

Answer refused(const http::Exchange& exchange, const Refusal& refusal) {
  return error_answer(refusal, exchange.request_id());
}

http::Task<Answer> Handlers::run(http::Exchange& exchange, Visit& visit) {
  const Route& route = *visit.match.route;
  auto body = co_await http::read_all(exchange.body(), kBodyBytesMax);
  if (!body) {
    if (body.error().code == Code::kExhausted) {
      co_return refused(exchange, {413, "too_large", "the body has more than 1 MiB"});
    }
    co_return fail(std::move(body.error()));
  }
  auto prepared = std::make_shared<Call>(
      Call{.needs = needs_, .options = options_, .person = visit.person, .id = visit.match.id});
  CO_TRY(prepared->query, read_query(visit.query, route.query));
  if (!route.body.empty()) {
    const auto refusal = check_content_type(exchange.head().headers);
    if (refusal) co_return refused(exchange, *refusal);
    CO_TRY(prepared->body, read_body(*body, route.body));
  } else if (!body->empty()) {
    co_return fail(Code::kInvalid, "`{} {}` takes no body", route.method, route.path);
  }
  co_return co_await call(std::move(prepared), route.handle);
}

http::Task<Answer> Handlers::call(std::shared_ptr<Call> call, Result<Answer> (*handler)(Call&)) {
  if (running_.fetch_add(1) >= kRunningMax) {
    running_.fetch_sub(1);
    co_return fail(Code::kUnavailable, "too many requests are running; try again in a second");
  }
  std::function<void(http::Done<Answer>)> start = [this, call,
                                                   handler](const http::Done<Answer>& done) {
    boost::asio::post(executor_, [this, call, handler, done] {
      Result<Answer> answer = handler(*call);
      running_.fetch_sub(1);
      done(std::move(answer));
    });
  };
  co_return co_await http::await_callback<Answer>(std::move(start), kCallTimeout);
}

void Handlers::count(const Visit& visit, int status) {
  const std::string_view route = visit.match.route ? visit.match.route->path : "none";
  const std::string_view method = visit.match.route ? visit.match.route->method : "other";
  needs_.metrics
      .counter("keyturn_api_requests_total", "requests to the API",
               fmt::format(R"(route="{}",method="{}",status="{}")", route, method, status))
      .add();
}

http::Task<> Handlers::handle(http::Exchange& exchange) {
  Visit visit;
  Answer answer;
  if (const auto refusal = admit(exchange.head(), visit)) {
    answer = refused(exchange, *refusal);
  } else {
    auto result = co_await run(exchange, visit);
    answer = result ? std::move(*result) : refused(exchange, to_refusal(result.error()));
    if (!result && answer.status >= 500) {
      needs_.log.warning("api.failed", {{"request_id", exchange.request_id()},
                                        {"route", std::string(visit.match.route->path)},
                                        {"error", result.error().message}});
    }
  }
  count(visit, answer.status);
  http::ResponseHead head{.status = answer.status, .headers = security_headers()};
  head.headers.set("content-type", answer.content_type);
  if (!answer.cache_control.empty()) head.headers.set("cache-control", answer.cache_control);
  if (answer.status == 401) head.headers.set("www-authenticate", "Bearer realm=\"keyturn\"");
  if (answer.status == 405) head.headers.set("allow", visit.match.allow);
  co_return co_await exchange.respond(std::move(head), std::move(answer.text));
}

}  // namespace

Answer json_answer(const Json& body, int status) {
  return {.status = status, .text = to_text(body) + "\n"};
}

Refusal to_refusal(const Error& error) {
  const auto status = [&] {
    switch (error.code) {
      case Code::kDenied:
        return 403;
      case Code::kInvalid:
        return 400;
      case Code::kNotFound:
        return 404;
      case Code::kConflict:
        return 409;
      case Code::kExhausted:
        return 429;
      case Code::kUnavailable:
        return 503;
      case Code::kTimeout:
        return 504;
      case Code::kCorrupt:
      case Code::kInternal:
        return 500;
    }
    return 500;
  };
  return {status(), std::string(to_string(error.code)), error.message};
}

bool is_administrator(const Call& call) {
  return call.person.role == identity::Role::kAdministrator;
}

Result<void> commit(Call& call, const store::Unit& unit) {
  TRY_VOID(call.needs.store.run(unit));
  auto refreshed = call.needs.identity.refresh();
  if (!refreshed) {
    // Committed, and the request path does not see it yet: for a suspension that matters.
    call.needs.log.error("api.refresh_failed", {{"error", refreshed.error().message}});
    return fail(std::move(refreshed.error()).context("stored, but not yet in effect"));
  }
  return {};
}

Result<void> Api::prepare(store::Store& store) {
  const bool sqlite = store.engine() == store::Engine::kSqlite;
  const store::Migration migrations[] = {
      {1,
       {"CREATE TABLE api_probe (id INTEGER PRIMARY KEY, time BIGINT NOT NULL)",
        "INSERT INTO api_probe (id, time) VALUES (1, 0)"}},
      {2, {fmt::format("ALTER TABLE api_probe ADD COLUMN room {}", sqlite ? "BLOB" : "BYTEA")}}};
  return store.migrate("api", migrations);
}

Result<std::unique_ptr<Api>> Api::create(Needs needs, ApiOptions options) {
  TRY_VOID(prepare(needs.store));
  return std::make_unique<Handlers>(needs, std::move(options));
}

}  // namespace keyturn::api
