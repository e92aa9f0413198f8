// The client against servers that behave, misbehave and lie.
#include <gtest/gtest.h>

#include <thread>

#include "http/test_support.h"

namespace keyturn::http {
namespace {

using namespace std::chrono_literals;

// A client whose upstream is played by the test.
class ClientTest : public testing::Test {
 protected:
  explicit ClientTest(ClientOptions options = {})
      : client_(Client::create(*loops_, std::move(options), log_).value()) {}
  ~ClientTest() override {
    client_.reset();
    loops_->stop();
  }

  Origin origin() const { return {"http", "127.0.0.1", upstream_.port()}; }
  // Sends while `play` serves on this thread.
  Result<Answer> ask_while(RequestHead head, std::string body, std::function<void()> play) {
    std::thread playing(std::move(play));
    Result<Answer> answer =
        ask_on(*loops_, *client_, origin(), std::move(head), std::move(body), &failure_);
    playing.join();
    return answer;
  }
  // One request answered by these bytes, then the connection is closed.
  Result<Answer> answer_with(std::string bytes, const std::string& method = "GET") {
    RequestHead head{method, "/", {}};
    return ask_while(std::move(head), "", [this, bytes] {
      RawSocket socket = upstream_.accept();
      socket.read_until("\r\n\r\n");
      socket.send(bytes);
    });
  }

  MemoryLog log_;
  std::unique_ptr<Loops> loops_ = Loops::start(2, log_).value();
  RawListener upstream_;
  std::unique_ptr<Client> client_;
  ClientFailure failure_;
};

TEST_F(ClientTest, SetsHostAndFramingAndDropsHopByHopFields) {
  std::string seen;
  RequestHead head{"POST",
                   "/a?b",
                   {{"Host", "evil"},
                    {"Content-Length", "99"},
                    {"Transfer-Encoding", "chunked"},
                    {"Expect", "100-continue"},
                    {"Connection", "x-hop"},
                    {"X-Hop", "1"},
                    {"TE", "trailers"},
                    {"X-End", "kept"}}};
  const auto answer = ask_while(std::move(head), "hello", [&] {
    RawSocket socket = upstream_.accept();
    seen = socket.read_until("hello");
    socket.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->body, "ok");
  EXPECT_EQ(seen, fmt::format("POST /a?b HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nX-End: kept\r\n"
                              "content-length: 5\r\n\r\nhello",
                              upstream_.port()));
}

TEST_F(ClientTest, AnnouncesAnEmptyBodyOnlyWhereOneIsExpected) {
  for (const char* method : {"POST", "GET"}) {
    std::string seen;
    RequestHead head{method, "/", {}};
    ask_while(std::move(head), "", [&] {
      RawSocket socket = upstream_.accept();
      seen = socket.read_until("\r\n\r\n");
      socket.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    }).value();
    EXPECT_EQ(seen.find("content-length: 0") != std::string::npos,
              std::string_view(method) == "POST");
  }
}

TEST_F(ClientTest, ReadsEveryWayToFrameAnAnswer) {
  EXPECT_EQ(answer_with("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")->body, "hello");
  EXPECT_EQ(answer_with("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                        "5\r\nhello\r\n0\r\nx: y\r\n\r\n")
                ->body,
            "hello");
  EXPECT_EQ(answer_with("HTTP/1.1 200 OK\r\n\r\nhello")->body, "hello");
  EXPECT_EQ(answer_with("HTTP/1.0 200 OK\r\n\r\nhello")->body, "hello");
  EXPECT_EQ(answer_with("HTTP/1.1 204 No Content\r\n\r\n")->body, "");
  EXPECT_EQ(answer_with("HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n")->body, "");
  EXPECT_EQ(answer_with("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "HEAD")->body, "");
}

TEST_F(ClientTest, SkipsInterimAnswers) {
  const auto answer = answer_with(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
      "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n");
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->head.status, 201);
}

TEST_F(ClientTest, RefusesAnswersThatTwoReadersCouldReadDifferently) {
  std::string endless;
  for (int i = 0; i < 20; ++i) endless += "HTTP/1.1 100 Continue\r\n\r\n";
  for (const std::string& bytes : std::vector<std::string>{
           "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
           "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n",
           "HTTP/1.1 200 OK\ncontent-length: 0\n\n",
           "HTTP/1.1 200 OK\r\nx\x01y: a\r\n\r\n",
           "HTTP/1.1 101 Switching Protocols\r\n\r\n",
           "HTTP/1.1 2000 OK\r\n\r\n",
           "HTTP/2 200 OK\r\n\r\n",
           "nonsense\r\n\r\n",
           "HTTP/1.1 200 OK\r\ncontent-len",
           "HTTP/1.1 200 OK\r\nx: " + std::string(70'000, 'a') + "\r\n\r\n",
           "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
           endless,
       }) {
    const auto answer = answer_with(bytes);
    ASSERT_FALSE(answer.has_value()) << bytes.substr(0, 200);
    EXPECT_EQ(answer.error().code, Code::kCorrupt) << answer.error().message;
  }
}

TEST_F(ClientTest, TakesACutBodyForNoAnswer) {
  for (const char* bytes :
       {"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    EXPECT_EQ(answer_with(bytes).error().code, Code::kUnavailable);
  }
}

TEST_F(ClientTest, UsesAConnectionAgain) {
  std::thread playing([this] {
    RawSocket socket = upstream_.accept();
    for (int i = 0; i < 3; ++i) {
      socket.read_until("\r\n\r\n");
      socket.send(fmt::format("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{}", i));
    }
  });
  for (int i = 0; i < 3; ++i) {
    RequestHead head{"GET", "/", {}};
    EXPECT_EQ(ask_on(*loops_, *client_, origin(), head, "")->body, std::to_string(i));
  }
  playing.join();
}

TEST_F(ClientTest, ReplacesAnIdleConnectionThatTheServerClosed) {
  const RequestHead head{"DELETE", "/", {}};
  EXPECT_TRUE(answer_with("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").has_value());
  // The server has closed the kept connection; the next request must not be lost on it.
  const auto answer = ask_while(head, "", [this] {
    RawSocket socket = upstream_.accept();
    socket.read_until("\r\n\r\n");
    socket.send("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n2");
  });
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->body, "2");
}

TEST_F(ClientTest, NeverUsesAConnectionOnWhichMoreThanTheAnswerCame) {
  RawSocket first;
  const RequestHead head{"GET", "/", {}};
  ask_while(head, "", [&] {
    first = upstream_.accept();
    first.read_until("\r\n\r\n");
    first.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\npoison");
  }).value();
  const auto answer = ask_while(head, "", [&] {
    RawSocket second = upstream_.accept();
    second.read_until("\r\n\r\n");
    second.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood");
  });
  EXPECT_EQ(answer->body, "good");
}

TEST_F(ClientTest, DoesNotRetryWhatMayHaveBeenProcessed) {
  RawSocket kept;
  const RequestHead head{"POST", "/", {}};
  ask_while(head, "", [&] {
    kept = upstream_.accept();
    kept.read_until("\r\n\r\n");
    kept.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  }).value();
  const auto answer = ask_while(head, "", [&] {
    kept.read_until("\r\n\r\n");
    kept.close();
  });
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
  EXPECT_EQ(failure_.sent, Sent::kMaybe);
}

TEST_F(ClientTest, SaysThatNothingWasSentWhenNobodyListens) {
  std::uint16_t dead = 0;
  {
    const RawListener gone;
    dead = gone.port();
  }
  ClientFailure failure;
  failure.sent = Sent::kMaybe;
  RequestHead head{"GET", "/", {}};
  const Origin nowhere{"http", "127.0.0.1", dead};
  const auto answer = ask_on(*loops_, *client_, nowhere, head, "", &failure);
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
  EXPECT_EQ(failure.sent, Sent::kNo);
  EXPECT_EQ(failure.error, answer.error());
}

TEST_F(ClientTest, RefusesHeadsThatWouldBeTwo) {
  for (const RequestHead& head : std::vector<RequestHead>{
           {"GET", "/ HTTP/1.1\r\nx: y", {}},
           {"GET", "http://other/", {}},
           {"GET", "", {}},
           {"G T", "/", {}},
           {"GET", "/", {{"a", "b\r\nc: d"}}},
           {"GET", "/", {{"a b", "c"}}},
       }) {
    ClientFailure failure;
    failure.sent = Sent::kMaybe;
    const auto answer = ask_on(*loops_, *client_, origin(), head, "", &failure);
    EXPECT_EQ(answer.error().code, Code::kInvalid);
    EXPECT_EQ(failure.sent, Sent::kNo);
  }
}

TEST_F(ClientTest, ReturnsAnEarlyAnswerToABodyThatWasNotTaken) {
  RequestHead head{"PUT", "/", {}};
  const auto answer = ask_while(head, std::string(32U << 20U, 'x'), [this] {
    RawSocket socket = upstream_.accept();
    socket.read_until("\r\n\r\n");
    socket.send("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno");
  });
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->head.status, 403);
  EXPECT_EQ(answer->body, "no");
}

// Fails after some bytes.
class Failing final : public Body {
 public:
  explicit Failing(std::size_t bytes) : left_(bytes) {}
  std::optional<std::uint64_t> length() const override { return 1'000'000; }
  Task<std::size_t> read(std::span<char> into) override {
    if (left_ == 0) co_return fail(Code::kTimeout, "source stalled");
    const std::size_t count = std::min(left_, into.size());
    std::fill_n(into.begin(), count, 'x');
    left_ -= count;
    co_return count;
  }

 private:
  std::size_t left_;
};

Task<int> send_body(Client& client, Origin origin, Body& body, ClientFailure& failure) {
  RequestHead head{"PUT", "/", {}};
  CO_TRY(ClientResponse response,
         co_await client.send(std::move(origin), std::move(head), body, &failure));
  co_return response.head.status;
}

TEST_F(ClientTest, NeverCompletesARequestWhoseBodyFails) {
  std::string seen;
  bool reset = false;
  std::thread playing([&] {
    RawSocket socket = upstream_.accept();
    seen = socket.read_to_end();
    reset = socket.was_reset();
  });
  Failing body(200'000);
  const Result<int> status =
      run_on<int>(*loops_, 0, [&] { return send_body(*client_, origin(), body, failure_); });
  playing.join();
  EXPECT_EQ(status.error().code, Code::kTimeout);
  EXPECT_EQ(failure_.sent, Sent::kMaybe);
  EXPECT_TRUE(reset);
  EXPECT_LT(seen.size(), 1'000'000U);
}

TEST_F(ClientTest, SendsNothingWhenTheBodyFailsAtOnce) {
  Failing body(0);
  const Result<int> status =
      run_on<int>(*loops_, 0, [&] { return send_body(*client_, origin(), body, failure_); });
  EXPECT_EQ(status.error().code, Code::kTimeout);
  EXPECT_EQ(failure_.sent, Sent::kNo);
}

class ImpatientClientTest : public ClientTest {
 protected:
  static ClientOptions impatient() {
    ClientOptions options;
    options.connect_timeout = 200ms;
    options.response_timeout = 100ms;
    options.body_timeout = 100ms;
    options.idle_connections_max = 1;
    return options;
  }
  ImpatientClientTest() : ClientTest(impatient()) {}
};

TEST_F(ImpatientClientTest, GivesUpOnASilentServerAndSaysItMayHaveReceived) {
  RawSocket silent;
  RequestHead head{"POST", "/", {}};
  const auto answer = ask_while(head, "x", [&] { silent = upstream_.accept(); });
  EXPECT_EQ(answer.error().code, Code::kTimeout);
  EXPECT_EQ(failure_.sent, Sent::kMaybe);
}

TEST_F(ImpatientClientTest, GivesUpOnABodyThatStops) {
  RawSocket stopping;
  RequestHead head{"GET", "/", {}};
  const auto answer = ask_while(head, "", [&] {
    stopping = upstream_.accept();
    stopping.read_until("\r\n\r\n");
    stopping.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello");
  });
  EXPECT_EQ(answer.error().code, Code::kTimeout);
}

TEST_F(ImpatientClientTest, GivesUpOnAServerThatDoesNotRead) {
  RawSocket stopped;
  RequestHead head{"PUT", "/", {}};
  const auto answer =
      ask_while(head, std::string(32U << 20U, 'x'), [&] { stopped = upstream_.accept(); });
  EXPECT_EQ(answer.error().code, Code::kTimeout);
  EXPECT_EQ(failure_.sent, Sent::kMaybe);
}

TEST_F(ImpatientClientTest, GivesUpOnAHeadThatTrickles) {
  RequestHead head{"GET", "/", {}};
  const auto answer = ask_while(head, "", [&] {
    RawSocket socket = upstream_.accept();
    socket.read_until("\r\n\r\n");
    while (socket.send("HTTP/1.1 200 OK\r\nx: y\r\n")) std::this_thread::yield();
  });
  ASSERT_FALSE(answer.has_value());
  EXPECT_TRUE(answer.error().code == Code::kTimeout || answer.error().code == Code::kCorrupt);
}

Task<> proxy(Exchange& exchange, Client& client, Origin origin) {
  RequestHead head = exchange.head();
  CO_TRY(ClientResponse response,
         co_await client.send(std::move(origin), std::move(head), exchange.body()));
  co_return co_await exchange.respond(std::move(response.head), *response.body);
}

TEST(Proxy, PassesRequestsFromManyClientsThrough) {
  TestServer backend(echo);
  MemoryLog log;
  Metrics metrics;
  auto loops = Loops::start(2, log).value();
  auto client = Client::create(*loops, {}, log).value();
  const Handler handler = [&](Exchange& exchange) {
    return proxy(exchange, *client, backend.origin());
  };
  auto server = Server::listen(*loops, {}, handler, log, metrics).value();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      RawSocket socket = RawSocket::connect(server->port());
      for (int i = 0; i < 100; ++i) {
        const std::string body(static_cast<std::size_t>(i * 37), static_cast<char>('a' + thread));
        socket.send(fmt::format("PUT /{}/{} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{}",
                                thread, i, body.size(), body));
        const std::string expected = fmt::format("PUT /{}/{} {} {}", thread, i, body.size(), body);
        EXPECT_TRUE(socket.read_until(expected).ends_with(expected));
      }
      socket.send("HEAD /h HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      EXPECT_NE(socket.read_to_end().find("content-length: 10\r\n"), std::string::npos);
    });
  }
  for (std::thread& thread : threads) thread.join();
  server.reset();
  client.reset();
  loops->stop();
  EXPECT_EQ(backend.metrics.render().find("keyturn_http_responses_total{status=\"4xx\"} 1"),
            std::string::npos);
}

TEST(Fetch, BlocksForOneAnswer) {
  TestServer server(echo);
  RequestHead head{"POST", "/v1", {}};
  const auto answer = fetch(server.origin(), head, "body", kPatience);
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "POST /v1 4 body");
}

TEST(Fetch, SaysWhenNothingListens) {
  std::uint16_t dead = 0;
  {
    const RawListener gone;
    dead = gone.port();
  }
  const RequestHead head{"GET", "/", {}};
  const Origin nowhere{"http", "localhost", dead};
  EXPECT_EQ(fetch(nowhere, head, "", kPatience).error().code, Code::kUnavailable);
}

TEST(Fetch, EndsAtItsTimeout) {
  const RawListener silent;
  const RequestHead head{"GET", "/", {}};
  const Origin origin{"http", "127.0.0.1", silent.port()};
  EXPECT_EQ(fetch(origin, head, "", 50ms).error().code, Code::kTimeout);
}

}  // namespace
}  // namespace keyturn::http
