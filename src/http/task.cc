#include "http/task.h"

namespace keyturn::http {

Task<> sleep(Duration duration) {
  Executor executor = co_await boost::asio::this_coro::executor;
  Timer timer(executor);
  timer.start(duration);
  co_await timer.ended();
  co_return Result<void>();
}

}  // namespace keyturn::http
