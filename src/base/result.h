// Errors as values. Every fallible function returns Result<T>; nothing throws across a room's
// header. An Error has one of nine codes, which say what the caller can do, and a message, which
// says what was wrong, where, and what to do: lower case, no full stop, user input in backticks.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace keyturn {

enum class Code {
  kDenied,       // the caller may not
  kInvalid,      // the input is wrong; retrying the same input cannot help
  kNotFound,     // no such thing
  kConflict,     // the state does not allow it (already done, changed meanwhile)
  kExhausted,    // a limit is reached; later may work
  kUnavailable,  // a part we depend on is away; later may work
  kTimeout,      // a deadline passed; the outcome may be unknown
  kCorrupt,      // stored or received data contradicts itself
  kInternal,     // a defect of ours
};

// The code's stable lower-case name, as in API answers and logs.
std::string_view to_string(Code code);

struct [[nodiscard]] Error {
  Code code = Code::kInternal;
  std::string message;

  // The same error with what was being done in front: "open ledger: disk full".
  Error context(std::string_view doing) && {
    message.insert(0, ": ");
    message.insert(0, doing);
    return std::move(*this);
  }

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = tl::expected<T, Error>;

// return fail(Code::kInvalid, "unknown key `{}`", key);
template <class... Args>
[[nodiscard]] tl::unexpected<Error> fail(Code code, fmt::format_string<Args...> format,
                                         Args&&... args) {
  return tl::unexpected<Error>(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

// The same result, its error with what was being done in front.
template <class T>
[[nodiscard]] Result<T> context(Result<T> result, std::string_view doing) {
  if (!result) return fail(std::move(result.error()).context(doing));
  return result;
}

// Prints the broken invariant and aborts. Use CHECK; it stays on in production.
[[noreturn]] void check_failed(const char* expression, const char* file, int line);

}  // namespace keyturn

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) ::keyturn::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)

#define KEYTURN_CONCAT_INNER(a, b) a##b
#define KEYTURN_CONCAT(a, b) KEYTURN_CONCAT_INNER(a, b)

#define KEYTURN_TRY_VALUE(temporary, declaration, expression, return_word)   \
  auto temporary = (expression);                                             \
  if (!temporary) return_word ::keyturn::fail(std::move(temporary).error()); \
  declaration = std::move(temporary).value()

// TRY(auto x, f());   declares x or returns f's error.
#define TRY(declaration, expression) \
  KEYTURN_TRY_VALUE(KEYTURN_CONCAT(try_, __COUNTER__), declaration, expression, return)

#define KEYTURN_TRY_VOID(temporary, expression, return_word)                   \
  do {                                                                         \
    auto temporary = (expression);                                             \
    if (!temporary) return_word ::keyturn::fail(std::move(temporary).error()); \
  } while (false)

// TRY_VOID(f());   returns f's error, if any. May stand inside a closure in another's argument.
#define TRY_VOID(expression) KEYTURN_TRY_VOID(KEYTURN_CONCAT(try_, __COUNTER__), expression, return)

// The same inside a coroutine: CO_TRY(auto x, co_await f());
#define CO_TRY(declaration, expression) \
  KEYTURN_TRY_VALUE(KEYTURN_CONCAT(try_, __COUNTER__), declaration, expression, co_return)

#define CO_TRY_VOID(expression) \
  KEYTURN_TRY_VOID(KEYTURN_CONCAT(try_, __COUNTER__), expression, co_return)
