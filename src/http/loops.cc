#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "http/http.h"

namespace keyturn::http {
namespace {

namespace asio = boost::asio;

// More threads than this is a mistake in the configuration.
constexpr std::size_t kLoopsMax = 256;

// Holds the function as long as its coroutine runs: a coroutine refers to the closure it came from.
Task<> run_held(std::function<Task<>()> task) { co_return co_await task(); }

struct Loop {
  // One thread runs each context, which spares it most locking.
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::thread thread;
};

class ThreadedLoops final : public Loops {
 public:
  explicit ThreadedLoops(Log& log) : log_(log) {}
  ~ThreadedLoops() override { stop(); }

  void start(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) loops_.push_back(std::make_unique<Loop>());
    for (auto& loop : loops_) loop->thread = std::thread([&loop] { loop->context.run(); });
  }

  std::size_t size() const override { return loops_.size(); }

  Executor executor(std::size_t index) override { return loops_[index]->context.get_executor(); }

  void spawn(std::size_t index, std::function<Task<>()> task) override {
    Task<> running = run_held(std::move(task));
    asio::co_spawn(executor(index), std::move(running),
                   [&log = log_](std::exception_ptr thrown, const Result<void>& result) {
                     if (thrown) {
                       log.error("http.task_threw", {{"what", describe(thrown)}});
                     } else if (!result) {
                       log.warning("http.task_failed", {{"error", result.error().message}});
                     }
                   });
  }

  void stop() override {
    for (auto& loop : loops_) loop->context.stop();
    for (auto& loop : loops_) {
      if (loop->thread.joinable()) loop->thread.join();
    }
  }

 private:
  static std::string describe(const std::exception_ptr& thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& exception) {
      return exception.what();
    }
  }

  Log& log_;
  std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace

Result<std::unique_ptr<Loops>> Loops::start(std::size_t count, Log& log) {
  if (count == 0 || count > kLoopsMax) {
    return fail(Code::kInvalid, "{} event loops: use 1 to {}", count, kLoopsMax);
  }
  auto loops = std::make_unique<ThreadedLoops>(log);
  loops->start(count);
  return loops;
}

}  // namespace keyturn::http
