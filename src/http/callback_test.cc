#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <map>
#include <thread>

#include "http/test_support.h"

namespace keyturn::http {
namespace {

using namespace std::chrono_literals;

struct Move {  // neither copied nor default-made
  explicit Move(int number) : value(std::make_unique<int>(number)) {}
  std::unique_ptr<int> value;
};

class Callbacks : public testing::Test {
 protected:
  ~Callbacks() override { loops_->stop(); }
  MemoryLog log_;
  std::unique_ptr<Loops> loops_ = Loops::start(1, log_).value();
};

TEST_F(Callbacks, MayAnswerAtOnce) {
  std::function<void(Done<std::string>)> start = [](Done<std::string> done) { done("now"); };
  EXPECT_EQ(run_on<std::string>(*loops_, 0,
                                [&] { return await_callback<std::string>(start, kPatience); }),
            "now");
}

Task<bool> resumes_here(std::function<void(Done<void>)> start) {
  const std::thread::id before = std::this_thread::get_id();
  CO_TRY_VOID(co_await await_callback<void>(std::move(start), kPatience));
  co_return before == std::this_thread::get_id();
}

TEST_F(Callbacks, MayAnswerFromAnotherThreadAndResumeOnTheLoop) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 200; ++i) {
    std::function<void(Done<void>)> start = [&threads](Done<void> done) {
      threads.emplace_back([done = std::move(done)] { done(Result<void>()); });
    };
    EXPECT_EQ(run_on<bool>(*loops_, 0, [&] { return resumes_here(start); }), true);
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Callbacks, CarryErrorsAndValuesThatOnlyMove) {
  std::function<void(Done<Move>)> give = [](Done<Move> done) { done(Move(7)); };
  EXPECT_EQ(*run_on<Move>(*loops_, 0, [&] { return await_callback<Move>(give, kPatience); })->value,
            7);
  std::function<void(Done<Move>)> refuse = [](Done<Move> done) {
    done(fail(Code::kExhausted, "full"));
  };
  EXPECT_EQ(run_on<Move>(*loops_, 0, [&] { return await_callback<Move>(refuse, kPatience); })
                .error()
                .code,
            Code::kExhausted);
}

TEST_F(Callbacks, TimeOutAndDropALateAnswer) {
  Done<int> kept;
  std::function<void(Done<int>)> start = [&kept](Done<int> done) { kept = std::move(done); };
  EXPECT_EQ(run_on<int>(*loops_, 0, [&] { return await_callback<int>(start, 5ms); }).error().code,
            Code::kTimeout);
  kept(1);
  loops_->stop();
  loops_.reset();
  kept(2);  // also after the loop is gone
  loops_ = Loops::start(1, log_).value();
}

TEST_F(Callbacks, CountTheFirstAnswerOnly) {
  std::function<void(Done<int>)> start = [](Done<int> done) {
    done(1);
    done(2);
  };
  EXPECT_EQ(run_on<int>(*loops_, 0, [&] { return await_callback<int>(start, kPatience); }), 1);
}

TEST_F(Callbacks, RaceWithTheirTimeout) {
  for (int i = 0; i < 100; ++i) {
    std::thread answering;
    std::function<void(Done<int>)> start = [&answering](Done<int> done) {
      answering = std::thread([done = std::move(done)] { done(1); });
    };
    const Result<int> result =
        run_on<int>(*loops_, 0, [&] { return await_callback<int>(start, 50us); });
    EXPECT_TRUE(result == 1 || result.error().code == Code::kTimeout);
    answering.join();
  }
}

Task<> wait_for_ever(std::atomic<int>& started, std::vector<Done<void>>& kept) {
  std::function<void(Done<void>)> start = [&](Done<void> done) {
    kept.push_back(std::move(done));
    ++started;
  };
  co_return co_await await_callback<void>(std::move(start), std::chrono::hours(1));
}

TEST_F(Callbacks, MayComeAfterTheirTaskWasDestroyed) {
  std::atomic<int> started{0};
  std::vector<Done<void>> kept;
  loops_->spawn(0, [&] { return wait_for_ever(started, kept); });
  while (started == 0) std::this_thread::yield();
  loops_->stop();
  loops_.reset();
  kept.at(0)(Result<void>());
  loops_ = Loops::start(1, log_).value();
}

TEST_F(Callbacks, SleepResumes) {
  EXPECT_TRUE(run_on<void>(*loops_, 0, [] { return sleep(1ms); }).has_value());
}

Task<> fail_task() { co_return fail(Code::kUnavailable, "gone"); }

TEST_F(Callbacks, SpawnedTasksThatFailAreLogged) {
  loops_->spawn(0, fail_task);
  EXPECT_TRUE(run_on<void>(*loops_, 0, [] { return sleep(1ms); }).has_value());
  ASSERT_EQ(log_.lines().size(), 1U);
  EXPECT_NE(log_.lines()[0].find("gone"), std::string::npos);
}

TEST_F(Callbacks, LoopCountsAreBounded) {
  EXPECT_FALSE(Loops::start(0, log_).has_value());
  EXPECT_FALSE(Loops::start(100'000, log_).has_value());
}

// The time of a loop that a test drives by hand.
class HandAlarms final : public Alarms {
 public:
  void set(Duration after, std::function<void()> ring) override {
    waiting_.emplace(now_ + after, std::move(ring));
  }
  void advance(Duration by) {
    now_ += by;
    while (!waiting_.empty() && waiting_.begin()->first <= now_) {
      const std::function<void()> ring = std::move(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
      ring();
    }
  }

 private:
  Duration now_{0};
  std::multimap<Duration, std::function<void()>> waiting_;
};

TEST(Alarms, DriveEveryDeadlineOfTheirLoop) {
  boost::asio::io_context context;
  HandAlarms alarms;
  use_alarms(context, alarms);
  std::optional<Result<int>> ended;
  Done<int> answer;
  const auto wait = [&] {
    const std::function<void(Done<int>)> start = [&](Done<int> done) { answer = std::move(done); };
    ended.reset();
    boost::asio::co_spawn(context, await_callback<int>(start, std::chrono::hours(1)),
                          [&](const std::exception_ptr&, Result<int> result) { ended = result; });
    context.restart();
    context.poll();
  };
  wait();
  alarms.advance(59min);
  context.restart();
  context.poll();
  EXPECT_FALSE(ended);
  alarms.advance(1min);
  context.restart();
  context.poll();
  ASSERT_TRUE(ended);
  EXPECT_EQ((*ended).error().code, Code::kTimeout);

  wait();
  answer(7);
  context.restart();
  context.poll();
  ASSERT_TRUE(ended);
  EXPECT_EQ(**ended, 7);
  ended.reset();
  alarms.advance(2h);  // the timer is gone: nothing happens
  context.restart();
  context.poll();
  EXPECT_FALSE(ended);
}

}  // namespace
}  // namespace keyturn::http
