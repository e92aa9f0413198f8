// Bodies too large to hold, and bodies held for a while.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "http/test_support.h"

namespace keyturn::http {
namespace {

constexpr std::uint64_t kLarge = 64U << 20U;

// Bytes that say where they belong, made as they are read.
class Pattern final : public Body {
 public:
  explicit Pattern(std::uint64_t size, std::optional<std::uint64_t> fail_at = std::nullopt)
      : size_(size), fail_at_(fail_at) {}
  std::optional<std::uint64_t> length() const override { return size_; }
  Task<std::size_t> read(std::span<char> into) override {
    if (fail_at_ && position_ >= *fail_at_) co_return fail(Code::kUnavailable, "source lost");
    const std::size_t count =
        static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_ - position_));
    for (std::size_t i = 0; i < count; ++i) into[i] = at(position_ + i);
    position_ += count;
    co_return count;
  }
  static char at(std::uint64_t position) {
    return static_cast<char>(position * 31 + position / 4096);
  }

 private:
  const std::uint64_t size_;
  const std::optional<std::uint64_t> fail_at_;
  std::uint64_t position_ = 0;
};

// The same without saying how long it is.
class Unsized final : public Body {
 public:
  explicit Unsized(Body& body) : body_(body) {}
  std::optional<std::uint64_t> length() const override { return std::nullopt; }
  Task<std::size_t> read(std::span<char> into) override { return body_.read(into); }

 private:
  Body& body_;
};

// Sends what comes straight back.
Task<> mirror(Exchange& exchange) {
  ResponseHead head;
  co_return co_await exchange.respond(std::move(head), exchange.body());
}

Task<std::uint64_t> check_pattern(Body& body) {
  std::vector<char> buffer(16'384);
  std::uint64_t position = 0;
  while (true) {
    CO_TRY(const std::size_t count, co_await body.read(buffer));
    if (count == 0) co_return position;
    for (std::size_t i = 0; i < count; ++i) {
      if (buffer[i] != Pattern::at(position + i)) co_return fail(Code::kCorrupt, "wrong byte");
    }
    position += count;
  }
}

Task<std::uint64_t> send_pattern(Client& client, Origin origin, Body& body) {
  RequestHead head{"PUT", "/", {}};
  CO_TRY(ClientResponse response, co_await client.send(std::move(origin), std::move(head), body));
  co_return co_await check_pattern(*response.body);
}

Task<> take_pattern(Exchange& exchange) {
  CO_TRY(const std::uint64_t size, co_await check_pattern(exchange.body()));
  Pattern back(size);
  ResponseHead head;
  co_return co_await exchange.respond(std::move(head), back);
}

TEST(LargeBodies, StreamBothWaysInBoundedMemory) {
  TestServer server(take_pattern);
  auto client = Client::create(*server.loops, {}, server.log).value();
  const std::size_t before = present_memory();
  reset_peak_memory();
  Pattern sized(kLarge);
  EXPECT_EQ(run_on<std::uint64_t>(*server.loops, 0,
                                  [&] { return send_pattern(*client, server.origin(), sized); }),
            kLarge);
  Pattern source(kLarge);
  Unsized chunked(source);
  EXPECT_EQ(run_on<std::uint64_t>(*server.loops, 0,
                                  [&] { return send_pattern(*client, server.origin(), chunked); }),
            kLarge);
  // Sanitizers keep what is freed for a while; a body held whole would take 64 MiB and more.
  EXPECT_LT(peak_memory() - std::min(peak_memory(), before), (kSanitized ? 60U : 8U) << 20U);
}

Task<> answer_from_failing(Exchange& exchange) {
  Pattern pattern(1'000'000, exchange.head().target == "/at-once" ? 0 : 500'000);
  Unsized chunked(pattern);
  ResponseHead head;
  const bool sized = exchange.head().target != "/chunked";
  Body& body = sized ? static_cast<Body&>(pattern) : chunked;
  Result<void> answered = co_await exchange.respond(head, body);
  EXPECT_FALSE(answered.has_value());
  if (exchange.head().target == "/at-once") {
    head.status = 502;
    std::string text = "source lost at once";
    co_return co_await exchange.respond(std::move(head), std::move(text));
  }
  co_return answered;
}

TEST(FailingBodies, ResetTheConnectionInTheMiddleOfAnAnswer) {
  TestServer server(answer_from_failing);
  for (const char* target : {"/sized", "/chunked"}) {
    RawSocket socket = server.connect();
    socket.send(fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", target));
    const std::string answer = socket.read_to_end();
    EXPECT_LT(answer.size(), 700'000U);
    EXPECT_FALSE(answer.ends_with("0\r\n\r\n"));
    EXPECT_TRUE(socket.was_reset()) << target;
  }
}

TEST(FailingBodies, LeaveTheAnswerToTheHandlerBeforeTheFirstByte) {
  TestServer server(answer_from_failing);
  const std::string answer =
      server.talk("GET /at-once HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 502 ")) << answer;
}

TEST(StreamingAnswers, WaitForAClientThatDoesNotRead) {
  // A client that never reads must not make the server buffer the answer.
  ServerOptions options;
  options.body_timeout = std::chrono::milliseconds(200);
  TestServer server(mirror, options);
  RawSocket socket = server.connect();
  const std::size_t before = present_memory();
  socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 67108864\r\n\r\n");
  const std::string piece(1U << 20U, 'x');
  std::size_t sent = 0;
  while (sent < kLarge && socket.send(piece)) sent += piece.size();
  EXPECT_LT(sent, kLarge);
  EXPECT_LT(present_memory() - std::min(before, present_memory()), 16U << 20U);
}

class Spooling : public testing::Test {
 protected:
  ~Spooling() override { loops_->stop(); }
  Result<std::unique_ptr<SpooledBody>> spool(Body& source, SpooledBody::Limits limits) {
    return run_on<std::unique_ptr<SpooledBody>>(*loops_, 0,
                                                [&] { return SpooledBody::read(source, limits); });
  }
  Result<std::uint64_t> check(Body& body) {
    return run_on<std::uint64_t>(*loops_, 0, [&] { return check_pattern(body); });
  }
  MemoryLog log_;
  std::unique_ptr<Loops> loops_ = Loops::start(1, log_).value();
};

TEST_F(Spooling, StaysInMemoryUpToTheLimit) {
  Pattern source(100'000);
  SpooledBody::Limits limits;
  limits.memory_bytes_max = 100'000;
  const auto body = spool(source, limits).value();
  EXPECT_EQ(body->length(), 100'000U);
  ASSERT_TRUE(body->text().has_value());
  EXPECT_EQ(body->text()->size(), 100'000U);
  EXPECT_EQ(check(*body), 100'000U);
  body->rewind();
  EXPECT_EQ(check(*body), 100'000U);
}

TEST_F(Spooling, MovesToAFileWithoutANameBeyondIt) {
  const std::string directory = testing::TempDir() + "keyturn_spool_test";
  ::mkdir(directory.c_str(), 0700);
  Pattern source(300'001);
  Unsized chunked(source);
  SpooledBody::Limits limits;
  limits.memory_bytes_max = 100'000;
  limits.directory = directory;
  const auto body = spool(chunked, limits).value();
  EXPECT_EQ(body->length(), 300'001U);
  EXPECT_FALSE(body->text().has_value());
  EXPECT_EQ(::rmdir(directory.c_str()), 0) << "the folder must be empty already";
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(check(*body), 300'001U);
    body->rewind();
  }
}

TEST_F(Spooling, RefusesMoreThanTheLimitSaidOrNot) {
  SpooledBody::Limits limits;
  limits.bytes_max = 1000;
  Pattern sized(1001);
  EXPECT_EQ(spool(sized, limits).error().code, Code::kExhausted);
  Pattern source(1001);
  Unsized chunked(source);
  EXPECT_EQ(spool(chunked, limits).error().code, Code::kExhausted);
  Pattern exact(1000);
  EXPECT_TRUE(spool(exact, limits).has_value());
}

TEST_F(Spooling, SaysWhereItCannotWrite) {
  Pattern source(100);
  SpooledBody::Limits limits;
  limits.memory_bytes_max = 10;
  limits.directory = "/nonexistent";
  const auto body = spool(source, limits);
  ASSERT_FALSE(body.has_value());
  EXPECT_EQ(body.error().code, Code::kUnavailable);
  EXPECT_NE(body.error().message.find("/nonexistent"), std::string::npos);
}

TEST_F(Spooling, PassesOnTheErrorOfItsSource) {
  Pattern source(100'000, 50'000);
  EXPECT_EQ(spool(source, {}).error().code, Code::kUnavailable);
}

TEST_F(Spooling, ReadingAllStopsAtTheLimit) {
  Pattern source(1001);
  EXPECT_EQ(run_on<std::string>(*loops_, 0, [&] { return read_all(source, 1000); }).error().code,
            Code::kExhausted);
}

}  // namespace
}  // namespace keyturn::http
