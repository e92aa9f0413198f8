// Requests that wait, for reviewers or for their turn to be judged.
#include <algorithm>
#include <set>
#include <thread>

#include "aws/gateway_fixture.h"

namespace keyturn::aws {
namespace {

using review::Answer;
using namespace std::chrono_literals;

constexpr Duration kPatience = 30s;

class GatewayHeld : public GatewayTest {
 protected:
  Result<http::SimpleResponse> fetch(const Ask& asked, Duration timeout = kPatience) {
    const http::Origin origin{"http", "127.0.0.1", server_->port()};
    return http::fetch(origin, sign(asked), asked.body, timeout);
  }
  // Each on a connection of its own, at once.
  std::vector<Result<http::SimpleResponse>> fetch_all(const std::vector<Ask>& asked) {
    std::vector<Result<http::SimpleResponse>> replies(asked.size(), http::SimpleResponse{});
    std::vector<std::thread> clients;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      clients.emplace_back([this, &asked, &replies, i] { replies[i] = fetch(asked[i]); });
    }
    for (std::thread& client : clients) client.join();
    return replies;
  }
  void wait_for(std::string_view series) {
    const Instant until = SystemClock().monotonic() + kPatience;
    while (metrics_.render().find(series) == std::string::npos) {
      if (SystemClock().monotonic() > until) {
        ADD_FAILURE() << "never: " << series;
        return;
      }
      std::this_thread::yield();
    }
  }
  static std::vector<Ask> drops(std::size_t count) {
    std::vector<Ask> asked;
    for (std::size_t i = 0; i < count; ++i) {
      asked.push_back(dynamodb("DeleteTable", fmt::format("table-{}", i)));
    }
    return asked;
  }
};

TEST_F(GatewayHeld, RequestsBeyondThoseJudgedAtOnceGetTheirTurn) {
  build({.judged_at_once_max = 1});
  std::vector<Ask> asked;
  for (std::size_t i = 0; i < 12; ++i) {
    asked.push_back(dynamodb("DescribeTable", fmt::format("table-{}", i)));
  }
  for (const auto& reply : fetch_all(asked)) {
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->status, 200) << reply->body;
  }
  EXPECT_EQ(seen().size(), asked.size());
  EXPECT_EQ(entries("action.decided", asked.size()).size(), asked.size());
}

TEST_F(GatewayHeld, RequestsThatWaitGiveTheirTurnToOthersAndAreExecutedOnceAsTheyCame) {
  build({.hold_wait = 60s, .judged_at_once_max = 1});
  const std::vector<Ask> asked = drops(6);
  std::thread reviewers([&] {
    entries("change.opened", asked.size());
    for (std::int64_t i = 1; i <= std::ssize(asked); ++i) {
      EXPECT_TRUE(review(ChangeId{i}, "alice", Answer::kApprove));
      EXPECT_TRUE(review(ChangeId{i}, "bob", Answer::kApprove));
    }
  });
  const auto replies = fetch_all(asked);
  reviewers.join();
  for (const auto& reply : replies) {
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->status, 200) << reply->body;
  }
  std::multiset<std::string> wanted;
  std::multiset<std::string> came;
  for (const Ask& one : asked) wanted.insert(one.body);
  for (const Seen& one : seen()) {
    EXPECT_EQ(one.refused, "");
    came.insert(one.body);
  }
  EXPECT_EQ(came, wanted);
  // The clock stands still: signed anew is signed the same.
  const auto replayed = fetch(asked[0]);
  ASSERT_TRUE(replayed) << replayed.error().message;
  EXPECT_NE(replayed->body.find("RequestExpired"), std::string::npos) << replayed->body;
  wait_for("keyturn_aws_held_requests 0");
}

TEST_F(GatewayHeld, AClientThatLeavesGivesItsPlaceBackAndMaySendTheSameAgain) {
  build({.hold_wait = 60s, .held_requests_per_session_max = 1});
  const Ask asked = drops(1)[0];
  const http::RequestHead head = sign(asked);
  const http::Origin origin{"http", "127.0.0.1", server_->port()};
  std::thread first([&] { EXPECT_FALSE(http::fetch(origin, head, asked.body, 3s)); });
  wait_for("keyturn_aws_held_requests 1");
  first.join();
  wait_for("keyturn_aws_held_requests 0");
  wait_for("keyturn_aws_requests_total{verdict=\"hold\"} 1");
  std::thread reviewer([&] {
    wait_for("keyturn_aws_held_requests 1");
    EXPECT_TRUE(review(ChangeId{1}, "alice", Answer::kReject, "not today"));
  });
  const auto again = http::fetch(origin, head, asked.body, kPatience);
  reviewer.join();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_NE(again->body.find("not today"), std::string::npos) << again->body;
  EXPECT_TRUE(seen().empty());
}

TEST_F(GatewayHeld, ADrainAnswersWhoWaitsWithTheChange) {
  build({.hold_wait = 60s});
  std::thread stopping([&] {
    wait_for("keyturn_aws_held_requests 3");
    server_->drain(kPatience);
  });
  const auto replies = fetch_all(drops(3));
  stopping.join();
  for (const auto& reply : replies) {
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->status, 403);
    EXPECT_NE(reply->body.find("held as CHG-"), std::string::npos) << reply->body;
  }
}

TEST_F(GatewayHeld, TheHouseMayEndWhileRequestsWait) {
  build({.hold_wait = 60s});
  std::vector<std::thread> clients;
  for (const Ask& asked : drops(3)) {
    clients.emplace_back([this, asked] { fetch(asked, 1s); });
  }
  wait_for("keyturn_aws_held_requests 3");
  loops_->stop();
  for (std::thread& client : clients) client.join();
  EXPECT_TRUE(seen().empty());
}

TEST_F(GatewayHeld, WhatASessionAskedIsNotExecutedAfterItsEndWhateverReviewersSay) {
  build({.hold_wait = 60s});
  std::thread others([&] {
    wait_for("keyturn_aws_held_requests 1");
    EXPECT_TRUE(store_->run([this](store::Transaction& transaction) -> Result<void> {
      TRY_VOID(identity_->end_session(transaction, session_->session.id));
      return {};
    }));
    EXPECT_TRUE(review(ChangeId{1}, "alice", Answer::kApprove));
    review(ChangeId{1}, "bob", Answer::kApprove);
  });
  const auto reply = fetch(drops(1)[0]);
  others.join();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 403) << reply->body;
  EXPECT_TRUE(seen().empty());
}

}  // namespace
}  // namespace keyturn::aws
