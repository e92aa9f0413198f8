#include <gtest/gtest.h>

#include "base/random.h"
#include "http/test_support.h"

namespace keyturn::http {
namespace {

using namespace std::chrono_literals;

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(Server, AnswersWithLengthIdDateAndName) {
  TestServer server(echo);
  const std::string answer =
      server.talk("GET /a?b=%2f HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("content-length: 15\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("x-keyturn-request-id: "), std::string::npos);
  EXPECT_NE(answer.find("date: "), std::string::npos);
  EXPECT_NE(answer.find("server: keyturn\r\n"), std::string::npos);
  EXPECT_NE(answer.find("connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\nGET /a?b=%2f 0 "));
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  TestServer server(echo);
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += fmt::format("POST /{} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", i);
  }
  requests += "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const std::string answer = server.talk(requests);
  std::size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    const std::size_t next = answer.find(fmt::format("POST /{} 3 abc", i), at);
    ASSERT_NE(next, std::string::npos) << i;
    at = next;
  }
  EXPECT_TRUE(answer.ends_with("GET /last 0 "));
}

TEST(Server, ReadsARequestTheSameHoweverItIsCut) {
  TestServer server(echo);
  const std::string sized =
      "POST /p HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 11\r\n\r\nhello world";
  const std::string chunked =
      "POST /p HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
      "6\r\nhello \r\n5;x=y\r\nworld\r\n0\r\ntrailer: x\r\n\r\n";
  SeededRandom random(11);
  for (const std::string& request : {sized, chunked}) {
    for (int round = 0; round < 60; ++round) {
      RawSocket socket = server.connect();
      std::string_view rest = request;
      while (!rest.empty()) {
        const auto draw = static_cast<unsigned char>(random.bytes(1)[0]);
        const std::size_t count = std::min<std::size_t>(rest.size(), 1U + draw % 64U);
        ASSERT_TRUE(socket.send(rest.substr(0, count)));
        rest.remove_prefix(count);
      }
      const std::string answer = socket.read_to_end();
      ASSERT_TRUE(answer.ends_with("POST /p 11 hello world")) << answer;
    }
  }
}

TEST(Server, GivesHead204And304NoBody) {
  TestServer server([](Exchange& exchange) {
    ResponseHead head;
    const std::string& target = exchange.head().target;
    if (target == "/204") head.status = 204;
    if (target == "/304") head.status = 304;
    std::string body = "hello";
    return exchange.respond(std::move(head), std::move(body));
  });
  const std::string answer = server.talk(
      "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /204 HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /304 HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(occurrences(answer, "hello"), 1U) << answer;
  EXPECT_EQ(occurrences(answer, "content-length: 5\r\n"), 2U) << answer;
  EXPECT_EQ(occurrences(answer, "content-length"), 2U) << answer;
  EXPECT_EQ(occurrences(answer, "HTTP/1.1 "), 4U) << answer;
}

TEST(Expectations, AreMetWhenTheHandlerFirstReads) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  socket.send(
      "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n"
      "Connection: close\r\n\r\n");
  EXPECT_EQ(socket.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send("hello");
  EXPECT_TRUE(socket.read_to_end().ends_with("POST /a 5 hello"));
}

TEST(Expectations, AreLeftUnmetWhenTheHandlerDoesNotRead) {
  TestServer server([](Exchange& exchange) {
    ResponseHead head;
    head.status = 403;
    std::string body = "no";
    return exchange.respond(std::move(head), std::move(body));
  });
  // The body never comes: the connection must end, or the next request would be taken for it.
  const std::string answer = server.talk(
      "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer;
  EXPECT_NE(answer.find("connection: close\r\n"), std::string::npos);
}

TEST(UnreadBodies, AreReadToKeepTheConnectionWhenSmall) {
  TestServer server([](Exchange& exchange) {
    ResponseHead head;
    std::string body = exchange.head().target;
    return exchange.respond(std::move(head), std::move(body));
  });
  const std::string answer = server.talk(
      "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x') +
      "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(occurrences(answer, "HTTP/1.1 200"), 3U) << answer;
}

TEST(UnreadBodies, EndTheConnectionWhenLargeAndTheAnswerStillArrives) {
  TestServer server([](Exchange& exchange) {
    ResponseHead head;
    head.status = 413;
    std::string body = "too large";
    return exchange.respond(std::move(head), std::move(body));
  });
  RawSocket socket = server.connect();
  socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n");
  socket.send(std::string(900'000, 'x'));
  const std::string answer = socket.read_to_end();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
  EXPECT_TRUE(answer.ends_with("too large"));
}

Task<> fail_unanswered(Exchange&) { co_return fail(Code::kInternal, "broken on purpose"); }
Task<> return_unanswered(Exchange&) { co_return Result<void>(); }

TEST(Handlers, ThatDoNotAnswerHaveA500SentForThem) {
  for (const Handler& handler : {Handler(fail_unanswered), Handler(return_unanswered)}) {
    TestServer server(handler);
    const std::string answer =
        server.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
    EXPECT_EQ(answer.find("on purpose"), std::string::npos) << answer;
  }
}

Task<> answer_twice(Exchange& exchange) {
  ResponseHead head;
  std::string body = "first";
  CO_TRY_VOID(co_await exchange.respond(head, body));
  const Result<void> second = co_await exchange.respond(head, body);
  EXPECT_EQ(second.error().code, Code::kConflict);
  const Result<void> written = co_await exchange.write("more");
  EXPECT_EQ(written.error().code, Code::kConflict);
  co_return Result<void>();
}

TEST(Handlers, AnswerOnce) {
  TestServer server(answer_twice);
  const std::string answer = server.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(occurrences(answer, "HTTP/1.1 "), 1U);
  EXPECT_TRUE(answer.ends_with("first"));
}

TEST(Handlers, CannotSplitTheHead) {
  TestServer server([](Exchange& exchange) {
    ResponseHead head;
    head.headers.add("x", "a\r\nset-cookie: stolen");
    std::string body = "first";
    return exchange.respond(std::move(head), std::move(body));
  });
  const std::string answer = server.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
  EXPECT_EQ(answer.find("stolen"), std::string::npos) << answer;
}

TEST(Handlers, CannotFrameTheAnswerThemselves) {
  TestServer server([](Exchange& exchange) {
    ResponseHead head;
    head.headers = {{"content-length", "99"},
                    {"Transfer-Encoding", "chunked"},
                    {"Connection", "keep-alive, x-hop"},
                    {"x-hop", "1"}};
    std::string body = "first";
    return exchange.respond(std::move(head), std::move(body));
  });
  const std::string answer = server.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(answer.find("content-length: 99"), std::string::npos) << answer;
  EXPECT_EQ(occurrences(answer, "ontent-"), 1U) << answer;
  EXPECT_EQ(answer.find("chunked"), std::string::npos);
  EXPECT_EQ(answer.find("x-hop"), std::string::npos);
  EXPECT_NE(answer.find("content-length: 5\r\n"), std::string::npos);
}

Task<> write_pieces(Exchange& exchange) {
  ResponseHead head;
  head.headers.add("content-type", "text/event-stream");
  CO_TRY_VOID(co_await exchange.start(head));
  CO_TRY_VOID(co_await exchange.write("one"));
  CO_TRY_VOID(co_await exchange.write(""));  // must not end the body
  CO_TRY_VOID(co_await exchange.write("two"));
  if (exchange.head().target == "/fail") co_return fail(Code::kUnavailable, "source lost");
  co_return Result<void>();
}

TEST(StreamedAnswers, AreChunkedAndEndWhenTheHandlerReturns) {
  TestServer server(write_pieces);
  RawSocket socket = server.connect();
  socket.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_NE(socket.read_until("\r\n\r\n").find("transfer-encoding: chunked\r\n"),
            std::string::npos);
  EXPECT_EQ(decode_chunks(socket.read_to_end()), "onetwo");
}

TEST(StreamedAnswers, HaveNoBodyForHead) {
  TestServer server(write_pieces);
  EXPECT_TRUE(
      server.talk("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").ends_with("\r\n\r\n"));
}

TEST(StreamedAnswers, ThatFailNeverEndCleanly) {
  TestServer server(write_pieces);
  RawSocket socket = server.connect();
  socket.send("GET /fail HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string answer = socket.read_to_end();
  EXPECT_TRUE(socket.was_reset());
  EXPECT_EQ(answer.find("0\r\n\r\n"), std::string::npos) << answer;
}

TEST(Listening, OnATakenPortFails) {
  TestServer server(echo);
  ServerOptions options;
  options.port = server.port();
  const auto second =
      Server::listen(*server.loops, options, Handler(echo), server.log, server.metrics);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Code::kUnavailable);
  EXPECT_NE(second.error().message.find(std::to_string(server.port())), std::string::npos);
}

TEST(Listening, OnAnythingButAnAddressFails) {
  TestServer server(echo);
  ServerOptions options;
  options.address = "example.com";
  EXPECT_EQ(Server::listen(*server.loops, options, Handler(echo), server.log, server.metrics)
                .error()
                .code,
            Code::kInvalid);
}

TEST(ServerMetrics, CountConnectionsAnswersAndBytes) {
  TestServer server(echo);
  server.talk("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  server.talk("nonsense\r\n\r\n");
  server.server.reset();
  const std::string text = server.metrics.render();
  EXPECT_NE(text.find("keyturn_http_connections_total 2"), std::string::npos) << text;
  EXPECT_NE(text.find("keyturn_http_connections 0"), std::string::npos) << text;
  EXPECT_NE(text.find("keyturn_http_responses_total{status=\"2xx\"} 1"), std::string::npos);
  EXPECT_NE(text.find("keyturn_http_responses_total{status=\"4xx\"} 1"), std::string::npos);
  EXPECT_NE(text.find("keyturn_http_heads_refused_total 1"), std::string::npos);
  EXPECT_NE(text.find("keyturn_http_body_bytes_total{direction=\"in\"} 5"), std::string::npos);
  EXPECT_NE(text.find("keyturn_http_body_bytes_total{direction=\"out\"} 15"), std::string::npos)
      << text;
}

TEST(RequestIds, DifferBetweenRequestsAndRuns) {
  std::vector<std::string> ids;
  for (int run = 0; run < 2; ++run) {
    TestServer server(echo);
    const std::string answer = server.talk(
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const std::string_view name = "x-keyturn-request-id: ";
    for (std::size_t at = answer.find(name); at != std::string::npos;
         at = answer.find(name, at + 1)) {
      ids.push_back(answer.substr(at + name.size(), answer.find("\r\n", at) - at - name.size()));
    }
  }
  ASSERT_EQ(ids.size(), 4U);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
}

}  // namespace
}  // namespace keyturn::http
