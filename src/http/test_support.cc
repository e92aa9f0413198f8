#include "http/test_support.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "http/chunk_decoder.h"

namespace keyturn::http {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void bound_waits(int descriptor) {
  const timeval patience{kPatience.count(), 0};
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

std::size_t status_kilobytes(std::string_view key) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with(key)) return std::stoul(line.substr(key.size() + 1)) * 1024;
  }
  return 0;
}

}  // namespace

RawSocket RawSocket::connect(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bound_waits(descriptor);
  const sockaddr_in address = loopback(port);
  EXPECT_EQ(::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0)
      << std::generic_category().message(errno);
  return RawSocket(descriptor);
}

RawSocket& RawSocket::operator=(RawSocket&& other) noexcept {
  close();
  descriptor_ = std::exchange(other.descriptor_, -1);
  pending_ = std::move(other.pending_);
  return *this;
}

bool RawSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void RawSocket::finish() { ::shutdown(descriptor_, SHUT_WR); }

bool RawSocket::fill() {
  std::array<char, 65536> buffer;
  const ssize_t count = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
  if (count > 0) {
    pending_.append(buffer.data(), static_cast<std::size_t>(count));
    return true;
  }
  reset_ = count < 0 && errno == ECONNRESET;
  if (count < 0 && !reset_) ADD_FAILURE() << "waited too long for the peer";
  return false;
}

std::string RawSocket::read_until(std::string_view end) {
  std::size_t at = pending_.find(end);
  while (at == std::string::npos && fill()) at = pending_.find(end);
  if (at == std::string::npos) return std::exchange(pending_, {});
  std::string text = pending_.substr(0, at + end.size());
  pending_.erase(0, at + end.size());
  return text;
}

std::string RawSocket::read_exactly(std::size_t count) {
  while (pending_.size() < count && fill()) {
  }
  std::string text = pending_.substr(0, count);
  pending_.erase(0, count);
  return text;
}

std::string RawSocket::read_to_end() {
  while (fill()) {
  }
  return std::exchange(pending_, {});
}

void RawSocket::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void RawSocket::reset() {
  const linger hard{1, 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  close();
}

RawListener::RawListener() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  bound_waits(descriptor_);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  EXPECT_EQ(::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(descriptor_, 64), 0);
  EXPECT_EQ(::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
}

RawListener::~RawListener() { ::close(descriptor_); }

RawSocket RawListener::accept() {
  const int descriptor = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
  EXPECT_GE(descriptor, 0) << "nobody connected";
  bound_waits(descriptor);
  return RawSocket(descriptor);
}

TestServer::TestServer(Handler handler, ServerOptions options, std::size_t loop_count) {
  loops = Loops::start(loop_count, log).value();
  server = Server::listen(*loops, std::move(options), std::move(handler), log, metrics).value();
}

TestServer::~TestServer() {
  server.reset();
  loops->stop();
}

std::string TestServer::talk(std::string_view bytes) const {
  RawSocket socket = connect();
  socket.send(bytes);
  return socket.read_to_end();
}

Task<Answer> ask(Client& client, Origin origin, RequestHead head, std::string body,
                 ClientFailure* failure) {
  StringBody sent(std::move(body));
  CO_TRY(ClientResponse response,
         co_await client.send(std::move(origin), std::move(head), sent, failure));
  Answer answer;
  answer.head = std::move(response.head);
  CO_TRY(answer.body, co_await read_all(*response.body, std::uint64_t{1} << 30U));
  co_return answer;
}

Result<Answer> ask_on(Loops& loops, Client& client, Origin origin, RequestHead head,
                      std::string body, ClientFailure* failure) {
  return run_on<Answer>(loops, 0, [&] { return ask(client, origin, head, body, failure); });
}

Task<> echo(Exchange& exchange) {
  CO_TRY(std::string body, co_await read_all(exchange.body(), std::uint64_t{1} << 30U));
  ResponseHead head;
  head.headers.add("content-type", "text/plain");
  std::string text =
      fmt::format("{} {} {} {}", exchange.head().method, exchange.head().target, body.size(), body);
  co_return co_await exchange.respond(std::move(head), std::move(text));
}

std::string decode_chunks(std::string_view text) {
  ChunkDecoder decoder;
  std::string out(text.size(), '\0');
  const Result<ChunkDecoder::Step> step = decoder.step(text, out);
  EXPECT_TRUE(step.has_value()) << step.error().message;
  EXPECT_TRUE(decoder.done());
  EXPECT_EQ(step->consumed, text.size());
  out.resize(step->produced);
  return out;
}

std::size_t peak_memory() { return status_kilobytes("VmHWM:"); }
std::size_t present_memory() { return status_kilobytes("VmRSS:"); }

void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace keyturn::http
