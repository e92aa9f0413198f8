// Heads that a gateway must refuse, over real sockets: reference table of what Beast 1.81 would
// accept, and what an attacker tries next.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>

#include "base/random.h"
#include "http/test_support.h"

namespace keyturn::http {
namespace {

using namespace std::chrono_literals;

struct Attack {
  const char* name;
  std::string bytes;
  int status;
};

std::vector<Attack> attacks() {
  const std::string line = "POST / HTTP/1.1\r\n";
  const std::string host = "Host: a\r\n";
  const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
  const auto post = [&](const std::string& fields, const std::string& body = "") {
    return line + host + fields + "\r\n" + body + smuggled;
  };
  return {
      {"gzip encoding with a length",
       post("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", "hello"), 400},
      {"chunked, identity", post("Transfer-Encoding: chunked, identity\r\n"), 400},
      {"xchunked", post("Transfer-Encoding: xchunked\r\n"), 400},
      {"HTTP/1.0 with chunked",
       "POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"HTTP/1.0", "GET / HTTP/1.0\r\n" + host + "\r\n", 400},
      {"HTTP/2.0", "GET / HTTP/2.0\r\n" + host + "\r\n", 400},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"no version", "GET /\r\n" + host + "\r\n", 400},
      {"a fold", post("X: 1\r\n 2\r\n"), 400},
      {"a fold in transfer-encoding", post("Transfer-Encoding:\r\n chunked\r\n"), 400},
      {"two hosts", post("Host: b\r\n"), 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"a list of lengths", post("Content-Length: 5, 5\r\n", "hello"), 400},
      {"two equal lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
      {"two lengths", post("Content-Length: 5\r\nContent-Length: 0\r\n", "hello"), 400},
      {"chunked with a length", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
      {"a length with chunked", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"two encodings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"a signed length", post("Content-Length: +5\r\n", "hello"), 400},
      {"a length beyond 64 bits", post("Content-Length: 18446744073709551617\r\n"), 400},
      {"a bare line feed", "GET / HTTP/1.1\n" + host + "\n", 400},
      {"a bare line feed between fields", line + "Host: a\nX: b\r\n\r\n", 400},
      {"a bare carriage return", post("X: a\rY: b\r\n"), 400},
      {"a NUL", post(std::string("X: a\0b\r\n", 8)), 400},
      {"a control character", post("X: a\x07\r\n"), 400},
      {"a space before the colon", post("Transfer-Encoding : chunked\r\n"), 400},
      {"a space in a name", post("Transfer Encoding: chunked\r\n"), 400},
      {"a line without a colon", post("oops\r\n"), 400},
      {"an empty name", post(": a\r\n"), 400},
      {"an empty line first", "\r\n" + line + host + "\r\n", 400},
      {"an absolute target", "GET http://a/ HTTP/1.1\r\n" + host + "\r\n", 400},
      {"an asterisk target", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 400},
      {"an authority target", "CONNECT a:443 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"a fragment", "GET /a#b HTTP/1.1\r\n" + host + "\r\n", 400},
      {"two spaces", "GET  / HTTP/1.1\r\n" + host + "\r\n", 400},
      {"bytes beyond ASCII in the target", "GET /\xc3\xa4 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"a connection that names a field", post("Connection: x-amz-copy-source\r\n"), 400},
      {"a connection that names the length", post("Connection: content-length\r\n"), 400},
      {"an unknown expectation", post("Expect: 200-ok\r\nContent-Length: 5\r\n"), 417},
      {"two expectations", post("Expect: 100-continue\r\nExpect: 100-continue\r\n"), 417},
      {"a head over 64 KiB", line + host + "X: " + std::string(70'000, 'a') + "\r\n\r\n", 431},
      {"a head without an end", line + host + "X: " + std::string(70'000, 'a'), 431},
      {"many small fields",
       [&] {
         std::string text = line + host;
         for (int i = 0; i < 300; ++i) text += "a: b\r\n";
         return text + "\r\n";
       }(),
       400},
      {"TLS on a plain port", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 12),
       400},
  };
}

// Counts the requests that got past the door.
class Door {
 public:
  Task<> handle(Exchange& exchange) {
    ++entered;
    return echo(exchange);
  }
  Handler handler() {
    return [this](Exchange& exchange) { return handle(exchange); };
  }
  std::atomic<int> entered{0};
};

TEST(Attacks, AreRefusedAndTheConnectionCloses) {
  Door door;
  TestServer server(door.handler());
  for (const Attack& attack : attacks()) {
    const std::string answer = server.talk(attack.bytes);
    EXPECT_TRUE(answer.starts_with(fmt::format("HTTP/1.1 {} ", attack.status)))
        << attack.name << ": " << answer;
    EXPECT_NE(answer.find("connection: close\r\n"), std::string::npos) << attack.name;
    // One answer and no second: nothing behind the bad head was read as a request.
    EXPECT_EQ(answer.find("HTTP/1.1 ", 1), std::string::npos) << attack.name << ": " << answer;
    EXPECT_EQ(door.entered, 0) << attack.name;
  }
}

TEST(Attacks, AreRefusedTheSameWhenTheyComeInPieces) {
  Door door;
  TestServer server(door.handler());
  SeededRandom random(7);
  for (const Attack& attack : attacks()) {
    if (attack.bytes.size() > 4096) continue;
    RawSocket socket = server.connect();
    std::string_view rest = attack.bytes;
    while (!rest.empty()) {
      const auto draw = static_cast<unsigned char>(random.bytes(1)[0]);
      const std::size_t count = std::min<std::size_t>(rest.size(), 1U + draw % 16U);
      if (!socket.send(rest.substr(0, count))) break;
      rest.remove_prefix(count);
    }
    const std::string answer = socket.read_to_end();
    EXPECT_TRUE(answer.starts_with(fmt::format("HTTP/1.1 {} ", attack.status)))
        << attack.name << ": " << answer;
    EXPECT_EQ(door.entered, 0) << attack.name;
  }
}

TEST(Attacks, InChunksAreAnErrorOfTheBodyAndEndTheConnection) {
  Door door;
  TestServer server(door.handler());
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* body :
       {"+5\r\nhello\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n", "ffffffffffffffff\r\nhello", "0\r\nx\n\r\n\r\n"}) {
    const std::string answer =
        server.talk(head + body + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
    EXPECT_EQ(answer.find("HTTP/1.1 ", 1), std::string::npos) << answer;
    EXPECT_EQ(answer.find("smuggled"), std::string::npos);
  }
}

TEST(Attacks, SplittingTheLastChunkIsHarmless) {
  TestServer server(echo);
  const std::string request =
      "POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\n\r\n";
  for (std::size_t cut = request.size() - 5; cut < request.size(); ++cut) {
    RawSocket socket = server.connect();
    socket.send(request.substr(0, cut));
    for (char c : request.substr(cut)) socket.send(std::string_view(&c, 1));
    EXPECT_NE(socket.read_to_end().find("POST /a 0 "), std::string::npos) << cut;
  }
}

TEST(SlowClients, LoseTheirConnectionAtTheHeadDeadline) {
  ServerOptions options;
  options.head_timeout = 100ms;
  TestServer server(echo, options);
  EXPECT_TRUE(server.talk("GET / HTTP/1.1\r\nHo").starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(server.talk(""), "");  // says nothing at all: closed without a word
}

TEST(SlowClients, CannotStretchTheDeadlineByTrickling) {
  ServerOptions options;
  options.head_timeout = 200ms;
  TestServer server(echo, options);
  RawSocket socket = server.connect();
  // Each byte comes well within the deadline; all of them would take far longer.
  timeval short_wait{0, 20'000};
  setsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &short_wait, sizeof(short_wait));
  socket.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
  std::string answer;
  for (int i = 0; i < 500 && answer.empty(); ++i) {
    socket.send("a");
    char byte = 0;
    if (::recv(socket.descriptor(), &byte, 1, 0) == 1) answer = byte;
  }
  EXPECT_EQ(answer, "H");
}

TEST(SlowClients, LoseTheirConnectionAtTheBodyDeadline) {
  ServerOptions options;
  options.body_timeout = 100ms;
  TestServer server(echo, options);
  const std::string answer =
      server.talk("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
}

TEST(SlowClients, LoseAnIdleConnection) {
  ServerOptions options;
  options.idle_timeout = 100ms;
  TestServer server(echo, options);
  const std::string answer = server.talk("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(answer.find("GET /a 0 "), std::string::npos);
  EXPECT_EQ(answer.find("connection: close"), std::string::npos);
}

TEST(Overload, IsAnsweredWith503BeforeAnyHandler) {
  ServerOptions options;
  options.connections_max = 2;
  Door door;
  TestServer server(door.handler(), options, 1);
  RawSocket first = server.connect();
  RawSocket second = server.connect();
  const std::string request = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
  first.send(request);
  first.read_until("GET /a 0 ");
  second.send(request);
  second.read_until("GET /a 0 ");
  EXPECT_TRUE(server.connect().read_to_end().starts_with("HTTP/1.1 503 "));
  EXPECT_EQ(door.entered, 2);
  first.close();
  second.close();
  // The places come back once the server has noticed.
  bool admitted = false;
  for (int i = 0; i < 1000 && !admitted; ++i) {
    RawSocket next = server.connect();
    next.send("GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    admitted = next.read_to_end().find("GET /b 0 ") != std::string::npos;
  }
  EXPECT_TRUE(admitted);
}

}  // namespace
}  // namespace keyturn::http
