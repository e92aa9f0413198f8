// Requests that wait: woken from another thread, by the clock, by their client leaving, by a drain.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "http/test_support.h"

namespace keyturn::http {
namespace {

using namespace std::chrono_literals;

// Holds every request on /hold until it is released; remembers how each wait ended.
class Holder {
 public:
  explicit Holder(Duration timeout = kPatience) : timeout_(timeout) {}
  Handler handler() {
    return [this](Exchange& exchange) { return handle(exchange); };
  }

  void wait_for_held(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 5 * kPatience, [&] { return wakers_.size() >= count; }));
  }
  void wait_for_ended(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 5 * kPatience, [&] { return ended_.size() >= count; }));
  }
  std::vector<std::shared_ptr<Exchange::Waker>> wakers() {
    std::lock_guard lock(mutex_);
    return wakers_;
  }
  std::vector<Exchange::Woken> ended() {
    std::lock_guard lock(mutex_);
    return ended_;
  }

 private:
  class Rest final : public Exchange::Parked {
   public:
    explicit Rest(Holder& holder) : holder_(holder) {}
    Task<> resume(Exchange& exchange, Exchange::Woken woken) override {
      return holder_.answer(exchange, woken);
    }

   private:
    Holder& holder_;
  };

  Task<> handle(Exchange& exchange) {
    std::shared_ptr<Exchange::Waker> waker = exchange.waker();
    exchange.park(timeout_, std::make_unique<Rest>(*this));
    note_held(std::move(waker));
    co_return Result<void>();
  }
  Task<> answer(Exchange& exchange, Exchange::Woken woken) {
    note_ended(woken);
    ResponseHead head;
    std::string text =
        exchange.draining() ? "draining" : fmt::format("woken {}", static_cast<int>(woken));
    co_return co_await exchange.respond(std::move(head), std::move(text));
  }
  void note_held(std::shared_ptr<Exchange::Waker> waker) {
    std::lock_guard lock(mutex_);
    wakers_.push_back(std::move(waker));
    changed_.notify_all();
  }
  void note_ended(Exchange::Woken woken) {
    std::lock_guard lock(mutex_);
    ended_.push_back(woken);
    changed_.notify_all();
  }

  const Duration timeout_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Exchange::Waker>> wakers_;
  std::vector<Exchange::Woken> ended_;
};

constexpr std::string_view kRequest = "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(HeldRequests, WakeFromAnotherThread) {
  Holder holder;
  TestServer server(holder.handler());
  RawSocket socket = server.connect();
  socket.send(kRequest);
  holder.wait_for_held(1);
  holder.wakers()[0]->wake();
  socket.read_until("woken 0");
  EXPECT_EQ(holder.ended().at(0), Exchange::Woken::kEvent);
}

TEST(HeldRequests, EndAtTheirTimeout) {
  Holder holder(20ms);
  TestServer server(holder.handler());
  RawSocket socket = server.connect();
  socket.send(kRequest);
  socket.read_until("woken 1");
  EXPECT_EQ(holder.ended().at(0), Exchange::Woken::kTimeout);
}

TEST(HeldRequests, NoticeThatTheirClientLeft) {
  Holder holder;
  TestServer server(holder.handler());
  RawSocket polite = server.connect();
  polite.send(kRequest);
  RawSocket rude = server.connect();
  rude.send(kRequest);
  RawSocket pipelining = server.connect();
  pipelining.send(std::string(kRequest) + std::string(kRequest));
  holder.wait_for_held(3);
  polite.close();
  rude.reset();
  pipelining.close();
  holder.wait_for_ended(3);
  for (Exchange::Woken woken : holder.ended()) EXPECT_EQ(woken, Exchange::Woken::kClientGone);
}

TEST(HeldRequests, KeepWhatTheClientSentMeanwhile) {
  Holder holder;
  TestServer server(holder.handler());
  RawSocket socket = server.connect();
  socket.send(kRequest);
  holder.wait_for_held(1);
  socket.send(kRequest);
  holder.wakers()[0]->wake();
  socket.read_until("woken 0");
  holder.wait_for_held(2);
  holder.wakers()[1]->wake();
  socket.read_until("woken 0");
}

// Parks as often as it is told, and says which request it is.
class Again final : public Exchange::Parked {
 public:
  explicit Again(int times) : times_(times) {}
  static Task<> handle(Exchange& exchange) {
    exchange.waker()->wake();
    exchange.park(kPatience, std::make_unique<Again>(3));
    co_return Result<void>();
  }
  Task<> resume(Exchange& exchange, Exchange::Woken woken) override {
    EXPECT_EQ(woken, Exchange::Woken::kEvent);
    if (times_ > 0) {
      exchange.waker()->wake();
      exchange.park(kPatience, std::make_unique<Again>(times_ - 1));
      co_return Result<void>();
    }
    CO_TRY(std::string body, co_await read_all(exchange.body(), 1'000));
    ResponseHead head;
    std::string text = exchange.head().method + exchange.head().target;
    for (const auto& [name, value] : exchange.head().headers) text += name + "=" + value + ";";
    text += body;
    co_return co_await exchange.respond(std::move(head), std::move(text));
  }

 private:
  const int times_;
};

TEST(HeldRequests, MayParkAgainAndKeepHeadAndBody) {
  TestServer server(Again::handle);
  RawSocket socket = server.connect();
  const std::string request =
      "POST /a?b HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nx-tab: a\tb\r\nContent-Length: 4\r\n\r\n";
  for (int i = 0; i < 2; ++i) {
    socket.send(request + "bo");
    socket.send("dy");
    EXPECT_NE(socket.read_until("body").find(
                  "\r\n\r\nPOST/a?bHost=a;X-Empty=;x-tab=a\tb;Content-Length=4;body"),
              std::string::npos);
  }
}

Task<> park_and_fail(Exchange& exchange) {
  exchange.park(kPatience, std::make_unique<Again>(0));
  co_return fail(Code::kInternal, "after all");
}

TEST(HeldRequests, DoNotWaitForAHandlerThatFailed) {
  TestServer server(park_and_fail);
  RawSocket socket = server.connect();
  socket.send(kRequest);
  EXPECT_TRUE(socket.read_until("\r\n").starts_with("HTTP/1.1 500"));
}

TEST(HeldRequests, DieWithTheirLoops) {
  Holder holder;
  TestServer server(holder.handler());
  RawSocket socket = server.connect();
  socket.send(kRequest);
  RawSocket pipelining = server.connect();
  pipelining.send(std::string(kRequest) + std::string(kRequest));
  holder.wait_for_held(2);
  server.loops->stop();
  EXPECT_TRUE(holder.ended().empty());
}

TEST(Wakers, MayOutliveRequestServerAndLoops) {
  Holder holder;
  std::shared_ptr<Exchange::Waker> waker;
  {
    TestServer server(holder.handler());
    RawSocket socket = server.connect();
    socket.send(kRequest);
    holder.wait_for_held(1);
    waker = holder.wakers()[0];
    waker->wake();
    waker->wake();
    socket.read_until("woken 0");
    waker->wake();
  }
  waker->wake();
}

TEST(Wakers, RaceWithTheEndOfTheWait) {
  Holder holder(1ms);
  TestServer server(holder.handler());
  std::atomic<bool> stop{false};
  std::thread waking([&] {
    while (!stop) {
      for (const auto& waker : holder.wakers()) waker->wake();
    }
  });
  RawSocket socket = server.connect();
  for (int i = 0; i < 100; ++i) {
    socket.send(kRequest);
    EXPECT_TRUE(socket.read_until("woken ").ends_with("woken ")) << i;
    socket.read_exactly(1);
  }
  stop = true;
  waking.join();
}

TEST(Draining, AnswersHeldRequestsAndClosesIdleConnections) {
  Holder holder;
  TestServer server(holder.handler());
  RawSocket held = server.connect();
  held.send(kRequest);
  holder.wait_for_held(1);
  RawSocket idle = server.connect();
  idle.send(kRequest);
  holder.wait_for_held(2);
  holder.wakers()[1]->wake();
  idle.read_until("woken 0");
  std::thread draining([&] { server.server->drain(kPatience); });
  const std::string answer = held.read_to_end();
  EXPECT_TRUE(answer.ends_with("draining")) << answer;
  EXPECT_NE(answer.find("connection: close\r\n"), std::string::npos) << answer;
  EXPECT_EQ(idle.read_to_end(), "");
  draining.join();
  // Nobody listens any more.
  const int late = ::socket(AF_INET, SOCK_STREAM, 0);
  RawSocket closer(late);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(server.port());
  EXPECT_NE(::connect(late, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
}

Task<> read_forever(Exchange& exchange) {
  CO_TRY(std::string body, co_await read_all(exchange.body(), 1'000'000));
  ResponseHead head;
  co_return co_await exchange.respond(std::move(head), std::move(body));
}

TEST(Draining, FinishesBodiesUnderWayAndCutsWhatIsLeftAtTheDeadline) {
  TestServer server(read_forever);
  RawSocket finishing = server.connect();
  RawSocket stuck = server.connect();
  const std::string head =
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
  finishing.send(head);
  finishing.read_until("100 Continue\r\n\r\n");
  stuck.send(head);
  stuck.read_until("100 Continue\r\n\r\n");
  std::thread draining([&] { server.server->drain(1s); });
  finishing.send("hello");
  EXPECT_TRUE(finishing.read_to_end().ends_with("hello"));
  EXPECT_EQ(stuck.read_to_end(), "");
  draining.join();
}

TEST(Draining, TwiceIsHarmless) {
  TestServer server(echo);
  server.server->drain(1s);
  server.server->drain(1s);
}

TEST(TenThousandHeldRequests, StayBelow32MebibytesOverIdle) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's own memory would be measured";
  const std::size_t files = raise_file_limit();
  const std::size_t count = std::min<std::size_t>(10'000, (files - 512) / 4);
  Holder holder;
  TestServer server(holder.handler());
  RawSocket first = server.connect();
  first.send(kRequest);
  holder.wait_for_held(1);
  const std::size_t idle = present_memory();
  std::vector<RawSocket> clients;
  clients.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(server.connect());
    ASSERT_TRUE(clients.back().send(kRequest));
  }
  holder.wait_for_held(count + 1);
  const std::size_t each = (present_memory() - idle) / count;
  RecordProperty("bytes_each", static_cast<int>(each));
  EXPECT_LT(each * 10'000, 32U << 20U) << each << " bytes each";
  for (const auto& waker : holder.wakers()) waker->wake();
  for (RawSocket& client : clients) client.read_until("woken 0");
}

}  // namespace
}  // namespace keyturn::http
