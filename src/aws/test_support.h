// What the tests of this room share: running a task to its end, and bodies that come in odd pieces.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "http/http.h"
#include "vault/vault.h"

namespace keyturn::aws {

// Runs a task on a loop of its own.
template <class T>
T run_alone(boost::asio::awaitable<T> task) {
  boost::asio::io_context context;
  std::optional<T> result;
  boost::asio::co_spawn(context, std::move(task), [&](const std::exception_ptr& thrown, T value) {
    EXPECT_EQ(thrown, nullptr);
    result = std::move(value);
  });
  context.run();
  return std::move(*result);
}

// Signs as whoever has these keys does.
class KeysSigner final : public vault::Signer {
 public:
  KeysSigner(std::string_view id, std::string_view secret, std::string_view token)
      : id_(id), secret_(secret), token_(token) {}
  const std::string& access_key_id() const override { return id_; }
  std::string_view session_token() const override { return token_; }
  std::string sign(std::string_view date, std::string_view region, std::string_view service,
                   std::string_view text) const override {
    const auto key = crypto::sigv4_signing_key(secret_, date, region, service);
    return crypto::hmac_sha256(key.view(), text).hex();
  }
  std::string sign_v4a(std::string_view text) const override {
    return hex_encode(crypto::sigv4a_sign(id_, secret_, text));
  }

 private:
  const std::string id_;
  const std::string secret_;
  const std::string token_;
};

// A body of unknown length that comes in pieces of at most `piece` bytes.
class PieceBody final : public http::Body {
 public:
  PieceBody(std::string text, std::size_t piece) : text_(std::move(text)), piece_(piece) {}
  std::optional<std::uint64_t> length() const override { return std::nullopt; }
  http::Task<std::size_t> read(std::span<char> into) override {
    const std::size_t count = std::min({into.size(), piece_, text_.size() - position_});
    std::copy_n(text_.data() + position_, count, into.data());
    position_ += count;
    co_return count;
  }

 private:
  std::string text_;
  std::size_t piece_;
  std::size_t position_ = 0;
};

// What a body yields until its end or its failure.
struct Drained {
  std::string bytes;
  std::optional<Error> error;
};
inline boost::asio::awaitable<Drained> drain_body(http::Body& body, std::size_t step) {
  Drained drained;
  std::string block(step, '\0');
  for (;;) {
    const std::span<char> into(block);
    const auto count = co_await body.read(into);
    if (!count) drained.error = count.error();
    if (!count || *count == 0) co_return drained;
    drained.bytes.append(block.data(), *count);
  }
}
inline Drained drain_alone(http::Body& body, std::size_t step = 1'000) {
  return run_alone(drain_body(body, step));
}

}  // namespace keyturn::aws
