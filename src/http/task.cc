#include "http/task.h"

namespace keyturn::http {

Task<> sleep(Duration duration) {
  Executor executor = co_await boost::asio::this_coro::executor;
  boost::asio::steady_timer timer(executor);
  timer.expires_after(duration);
  boost::system::error_code error;
  co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, error));
  if (error) co_return fail(Code::kUnavailable, "sleep interrupted: {}", error.message());
  co_return Result<void>();
}

}  // namespace keyturn::http
