#include "sim/agents.h"

namespace keyturn::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kTriesMax = 8;
constexpr Duration kLookLeast = seconds(2);
constexpr Duration kLookMost = seconds(15);

std::string body_of(const std::string& table) {
  return fmt::format(R"({{"TableName":"{}"}})", table);
}

}  // namespace

std::string Agents::add_person(const std::string& id) {
  return world_
      .must_call_api("POST", "/v1/persons", world_.root_token(),
                     Json::object({{"id", id}, {"name", id}}))
      .string_or("token", "");
}

void Agents::start_session(const std::string& agent) {
  const Json started =
      world_.must_call_api("POST", "/v1/sessions", owner_token_,
                           Json::object({{"agent", agent}, {"purpose", "fix the rounding bug"}}));
  sessions_.push_back({started.string_or("access_key_id", ""),
                       started.string_or("secret_access_key", ""),
                       started.string_or("session_token", "")});
}

void Agents::set_up() {
  owner_token_ = add_person("owner");
  for (const char* id : {"alice", "bob", "carol"}) reviewers_.push_back(add_person(id));
  for (const char* agent : {"kiro", "codex"}) {
    world_.must_call_api("POST", "/v1/agents", world_.root_token(),
                         Json::object({{"id", agent}, {"owner", "owner"}}));
    start_session(agent);
  }
}

void Agents::begin(std::size_t asks, Duration time) {
  for (std::size_t i = 0; i < asks; ++i) {
    world_.after(world_.dice().between(Duration(0), time), [this, i] { begin_ask(i); });
  }
  for (std::size_t i = 0; i < reviewers_.size(); ++i) look_at_changes(i);
}

void Agents::begin_ask(std::size_t number) {
  Dice& dice = world_.dice();
  auto ask = std::make_shared<Ask>();
  ask->session = dice.below(sessions_.size());
  ask->tries_left = kTriesMax;
  switch (dice.below(5)) {
    case 0:
      ask->operation = "DescribeTable";
      ask->table = fmt::format("prod-{}", number);
      break;
    case 1:
      ask->operation = "UpdateTable";  // one review
      ask->table = fmt::format("prod-{}", number);
      break;
    case 2:
      ask->operation = "DeleteTable";
      ask->table = dice.chance(30) ? "tagged" : fmt::format("dev-{}", number);
      break;
    default:
      ask->operation = "DeleteTable";  // two reviews
      ask->table = fmt::format("prod-{}", number);
  }
  try_ask(ask);
}

void Agents::try_ask(const AskPointer& ask) {
  if (resting_ || ask->tries_left-- <= 0) return;
  world_.checks().signed_anew(ask->operation, ask->table);
  send(ask, sign(*ask), true);
}

http::RequestHead Agents::sign(const Ask& ask) {
  return sign_dynamodb(sessions_[ask.session], ask.operation, body_of(ask.table),
                       world_.clock().now());
}

void Agents::send(const AskPointer& ask, http::RequestHead head, bool first) {
  Dice& dice = world_.dice();
  world_.trace().add("agent",
                     fmt::format("{} {}{}", ask->operation, ask->table, first ? "" : ", a copy"));
  const auto number = world_.visit(
      Server::Door::kAws, head, body_of(ask->table), [this, ask, head, first](const Reply& reply) {
        if (first) return answered(ask, head, reply);
        world_.trace().add(
            "agent", fmt::format("{} {}, a copy: {}", ask->operation, ask->table, reply.status));
      });
  if (!number) return first ? try_later(ask, seconds(1), seconds(5)) : void();
  if (!dice.chance(habits_.leave)) return;
  const std::uint64_t visit = *number;
  world_.after(
      dice.between(Duration(0), dice.chance(50) ? Duration(seconds(20)) : milliseconds(50)),
      [this, visit] { world_.leave(visit); });
  if (first) try_later(ask, seconds(20), seconds(60));
}

void Agents::answered(const AskPointer& ask, const http::RequestHead& head, const Reply& reply) {
  Dice& dice = world_.dice();
  const auto change = reply.headers.find("x-keyturn-change");
  world_.trace().add("agent", fmt::format("{} {}: {}{}{}", ask->operation, ask->table, reply.status,
                                          change ? " " : "", change.value_or("")));
  if (dice.chance(habits_.copy)) {
    world_.after(dice.between(seconds(0), seconds(30)), [this, ask, head] {
      if (resting_) return;
      send(ask, habits_.copies_pass ? sign(*ask) : head, false);
    });
  }
  if (reply.status == 200) {
    ++done_;
  } else if (change) {
    try_later(ask, seconds(5), seconds(40));
  } else {
    try_later(ask, milliseconds(100), seconds(5));
  }
}

void Agents::try_later(const AskPointer& ask, Duration least, Duration most) {
  world_.after(world_.dice().between(least, most), [this, ask] { try_ask(ask); });
}

void Agents::look_at_changes(std::size_t reviewer) {
  world_.after(world_.dice().between(kLookLeast, kLookMost), [this, reviewer] {
    if (resting_) return;
    world_.call_api("GET", "/v1/changes?state=open", reviewers_[reviewer], {},
                    [this, reviewer](const Reply& reply) {
                      const auto answer = parse_strict(reply.body);
                      const Json* changes = answer ? answer->find("changes") : nullptr;
                      if (reply.status != 200 || changes == nullptr) return;
                      for (const Json& change : *changes->if_array()) review(reviewer, change);
                    });
    look_at_changes(reviewer);
  });
}

void Agents::review(std::size_t reviewer, const Json& change) {
  Dice& dice = world_.dice();
  if (dice.chance(40)) return;  // not now
  const std::string& token = reviewers_[reviewer];
  give(token, change, dice.chance(habits_.reject) ? "reject" : "approve");
  if (dice.chance(habits_.twice)) give(token, change, dice.chance(50) ? "approve" : "reject");
  if (dice.chance(habits_.biased)) give(owner_token_, change, "approve");
}

void Agents::give(const std::string& token, const Json& change, std::string_view answer) {
  const std::string id = change.string_or("id", "");
  world_.call_api("POST", fmt::format("/v1/changes/{}/reviews", id), token,
                  Json::object({{"answer", answer},
                                {"digest", change.string_or("digest", "")},
                                {"words", "looked at it"}}),
                  [this, id, answer = std::string(answer)](const Reply& reply) {
                    world_.trace().add("reviewer",
                                       fmt::format("{} {}: {}", answer, id, reply.status));
                  });
}

}  // namespace keyturn::sim
