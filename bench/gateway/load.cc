// Puts signed AWS requests to a port over keep-alive connections and prints what came back as one
// JSON line. Requests are signed before the clock starts, so that the generator costs little.
//
//   bench_gateway_load read PORT CONNECTIONS SECONDS   DynamoDB DescribeTable, over and over
//   bench_gateway_load hold PORT CONNECTIONS 0         one DeleteTable per connection; prints when
//                                                      all are sent, and waits for the end of stdin
//   bench_gateway_load upload PORT 1 MEBIBYTES         one S3 PutObject with an unsigned payload
//
// Keys come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/crypto.h"

namespace keyturn::bench {
namespace {

constexpr int kTables = 256;  // different requests in turn
constexpr std::size_t kAnswerBytesMax = 64U << 10U;
constexpr std::size_t kSamplesMax = 10'000'000;  // latencies kept: 80 MB

struct Keys {
  std::string id;
  std::string secret;
  std::string token;
};

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

struct Stamp {
  std::string text;  // 20150830T123600Z
  std::string date;
};

Stamp stamp_of(Time now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  const std::time_t time = seconds.count();
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  const std::string whole(text.data(), size);
  return {whole, whole.substr(0, 8)};
}

// What a request is, as far as its signature sees it.
struct Request {
  std::string_view service;
  std::string_view method;
  std::string path = {};
  std::string headers = {};  // canonical: sorted, lower-case names, a line each
  std::string_view signed_names = {};
  std::string payload = {};  // SHA-256 in hexadecimal, or UNSIGNED-PAYLOAD
};

// The whole head as it goes over the wire. The content length is not signed.
std::string signed_head(const Keys& keys, const Stamp& stamp, const Request& request,
                        std::uint64_t content_length) {
  const std::string canonical = fmt::format("{}\n{}\n\n{}\n{}\n{}", request.method, request.path,
                                            request.headers, request.signed_names, request.payload);
  const std::string scope =
      fmt::format("{}/us-east-1/{}/aws4_request", stamp.date, request.service);
  const std::string text = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", stamp.text, scope,
                                       crypto::sha256(canonical).hex());
  const crypto::Secret key =
      crypto::sigv4_signing_key(keys.secret, stamp.date, "us-east-1", request.service);
  std::string wire = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.path);
  for (const char c : request.headers) wire += c == '\n' ? "\r\n" : std::string(1, c);
  return wire + fmt::format(
                    "authorization:AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, "
                    "Signature={}\r\ncontent-length:{}\r\n\r\n",
                    keys.id, scope, request.signed_names,
                    crypto::hmac_sha256(key.view(), text).hex(), content_length);
}

std::string table_request(const Keys& keys, const Stamp& stamp, int port,
                          std::string_view operation, int table) {
  const std::string body = fmt::format(R"({{"TableName":"table-{:05}"}})", table);
  Request request{.service = "dynamodb", .method = "POST", .path = "/"};
  request.headers = fmt::format(
      "content-type:application/x-amz-json-1.0\nhost:127.0.0.1:{}\nx-amz-date:{}\n"
      "x-amz-security-token:{}\nx-amz-target:DynamoDB_20120810.{}\n",
      port, stamp.text, keys.token, operation);
  request.signed_names = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
  request.payload = crypto::sha256(body).hex();
  return signed_head(keys, stamp, request, body.size()) + body;
}

struct Connection {
  int socket = -1;
  std::string received;
  Instant sent{};
};

int connect_to(int port, unsigned number) {
  const int made = ::socket(AF_INET, SOCK_STREAM, 0);
  CHECK(made >= 0);
  // 127.0.0.2 and on as the sources, so that ports last for many connections.
  sockaddr_in source{};
  source.sin_family = AF_INET;
  source.sin_addr.s_addr = htonl(0x7F000002U + number / 20'000U);
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_port = htons(static_cast<std::uint16_t>(port));
  target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::bind(made, reinterpret_cast<const sockaddr*>(&source), sizeof source) == 0);
  CHECK(::connect(made, reinterpret_cast<const sockaddr*>(&target), sizeof target) == 0);
  const int on = 1;
  CHECK(::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
  return made;
}

void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    CHECK(count > 0);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

// The length of the first whole answer in `text`, or 0.
std::size_t whole_answer(std::string_view text) {
  const std::size_t head = text.find("\r\n\r\n");
  if (head == std::string_view::npos) return 0;
  std::string lower(text.substr(0, head + 2));
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  constexpr std::string_view kName = "\r\ncontent-length: ";
  const std::size_t field = lower.find(kName);
  if (field == std::string::npos) {
    // Chunked, and nothing else follows on this connection.
    return text.ends_with("\r\n0\r\n\r\n") ? text.size() : 0;
  }
  std::size_t length = 0;
  std::from_chars(lower.data() + field + kName.size(), lower.data() + lower.size(), length);
  return text.size() >= head + 4 + length ? head + 4 + length : 0;
}

struct Totals {
  std::size_t answers = 0;
  std::size_t errors = 0;
  std::vector<float> micros;

  float at(double quantile) {
    if (micros.empty()) return 0;
    std::ranges::sort(micros);
    return micros[static_cast<std::size_t>(quantile * static_cast<double>(micros.size() - 1))];
  }
};

// Reads what there is; whether an answer is complete.
bool receive(Connection& connection, Totals& totals, Instant now) {
  std::array<char, 16'384> piece{};
  const ssize_t count = ::recv(connection.socket, piece.data(), piece.size(), 0);
  CHECK(count > 0 && connection.received.size() < kAnswerBytesMax);
  connection.received.append(piece.data(), static_cast<std::size_t>(count));
  if (whole_answer(connection.received) == 0) return false;
  ++totals.answers;
  if (!connection.received.starts_with("HTTP/1.1 200")) {
    if (totals.errors++ == 0) std::fprintf(stderr, "%s\n", connection.received.c_str());
  }
  if (totals.micros.size() < kSamplesMax) {
    totals.micros.push_back(static_cast<float>((now - connection.sent).count()));
  }
  connection.received.clear();
  return true;
}

void read_over_and_over(const Clock& clock, const Keys& keys, int port, unsigned count,
                        int seconds) {
  std::vector<std::string> requests;
  const Stamp stamp = stamp_of(clock.now());
  for (int i = 0; i < kTables; ++i) {
    requests.push_back(table_request(keys, stamp, port, "DescribeTable", i));
  }
  std::vector<Connection> connections(count);
  const int poll = ::epoll_create1(0);
  std::size_t next = 0;
  const auto ask = [&](Connection& connection) {
    connection.sent = clock.monotonic();
    send_all(connection.socket, requests[next++ % requests.size()]);
  };
  for (unsigned i = 0; i < count; ++i) {
    connections[i].socket = connect_to(port, i);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = i;
    CHECK(::epoll_ctl(poll, EPOLL_CTL_ADD, connections[i].socket, &event) == 0);
  }
  Totals totals;
  const Instant start = clock.monotonic();
  const Instant end = start + std::chrono::seconds(seconds);
  for (Connection& connection : connections) ask(connection);
  std::array<epoll_event, 256> events{};
  for (std::size_t open = count; open > 0;) {
    const int ready = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 10'000);
    CHECK(ready > 0);
    for (int i = 0; i < ready; ++i) {
      Connection& connection = connections[events.at(static_cast<std::size_t>(i)).data.u32];
      const Instant now = clock.monotonic();
      if (!receive(connection, totals, now)) continue;
      if (now < end) {
        ask(connection);
      } else {
        --open;
      }
    }
  }
  const double took = std::chrono::duration<double>(clock.monotonic() - start).count();
  std::printf(
      "{\"requests\": %zu, \"errors\": %zu, \"seconds\": %.3f, \"p50_us\": %.0f, \"p99_us\": "
      "%.0f}\n",
      totals.answers, totals.errors, took, static_cast<double>(totals.at(0.5)),
      static_cast<double>(totals.at(0.99)));
}

void hold(const Clock& clock, const Keys& keys, int port, unsigned count) {
  std::vector<int> sockets;
  const Stamp stamp = stamp_of(clock.now());
  for (unsigned i = 0; i < count; ++i) {
    sockets.push_back(connect_to(port, i));
    send_all(sockets.back(), table_request(keys, stamp, port, "DeleteTable", static_cast<int>(i)));
  }
  std::printf("{\"sent\": %u}\n", count);
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  std::size_t answered = 0;
  for (const int socket : sockets) {
    char byte = 0;
    if (::recv(socket, &byte, 1, MSG_DONTWAIT) >= 0) ++answered;
    ::close(socket);
  }
  std::printf("{\"answered\": %zu}\n", answered);
}

void upload(const Clock& clock, const Keys& keys, int port, std::uint64_t mebibytes) {
  const Stamp stamp = stamp_of(clock.now());
  Request request{.service = "s3", .method = "PUT", .path = "/bench-dev/object"};
  request.headers = fmt::format(
      "host:127.0.0.1:{}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:{}\n"
      "x-amz-security-token:{}\n",
      port, stamp.text, keys.token);
  request.signed_names = "host;x-amz-content-sha256;x-amz-date;x-amz-security-token";
  request.payload = "UNSIGNED-PAYLOAD";
  const std::string piece(1U << 20U, 'x');
  const int socket = connect_to(port, 0);
  const Instant start = clock.monotonic();
  send_all(socket, signed_head(keys, stamp, request, mebibytes << 20U));
  for (std::uint64_t i = 0; i < mebibytes; ++i) send_all(socket, piece);
  std::array<char, 4096> answer{};
  const ssize_t count = ::recv(socket, answer.data(), answer.size(), 0);
  CHECK(count > 12);
  const double took = std::chrono::duration<double>(clock.monotonic() - start).count();
  std::printf("{\"status\": %.3s, \"seconds\": %.3f}\n", answer.data() + 9, took);
  ::close(socket);
}

}  // namespace
}  // namespace keyturn::bench

int main(int argc, char** argv) {
  using namespace keyturn;
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() != 4) {
    std::fputs("usage: bench_gateway_load read|hold|upload PORT CONNECTIONS SECONDS\n", stderr);
    return 2;
  }
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  const SystemClock clock;
  const bench::Keys keys{bench::from_environment("AWS_ACCESS_KEY_ID"),
                         bench::from_environment("AWS_SECRET_ACCESS_KEY"),
                         bench::from_environment("AWS_SESSION_TOKEN")};
  const int port = std::stoi(words[1]);
  const auto count = static_cast<unsigned>(std::stoul(words[2]));
  if (words[0] == "hold") {
    bench::hold(clock, keys, port, count);
  } else if (words[0] == "upload") {
    bench::upload(clock, keys, port, std::stoul(words[3]));
  } else {
    bench::read_over_and_over(clock, keys, port, count, std::stoi(words[3]));
  }
}
