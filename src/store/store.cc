#include "store/store.h"

#include <condition_variable>
#include <mutex>
#include <optional>

#include "store/news.h"

namespace keyturn::store {

bool Row::is_null(std::size_t column) const {
  CHECK(column < values_.size());
  return std::holds_alternative<std::monostate>(values_[column]);
}

std::int64_t Row::integer(std::size_t column) const {
  CHECK(column < values_.size());
  const auto* value = std::get_if<std::int64_t>(&values_[column]);
  CHECK(value != nullptr);
  return *value;
}

const std::string& Row::text(std::size_t column) const {
  CHECK(column < values_.size());
  const auto* value = std::get_if<std::string>(&values_[column]);
  CHECK(value != nullptr);
  return *value;
}

const std::string& Row::blob(std::size_t column) const {
  CHECK(column < values_.size());
  const auto* value = std::get_if<Blob>(&values_[column]);
  CHECK(value != nullptr);
  return value->bytes;
}

Store::~Store() = default;

std::unique_ptr<News> Store::listen_for_news() { return nullptr; }

Result<void> Store::run(Unit unit, const Committed& done) {
  CHECK(!on_writer_thread());  // it would wait for itself
  struct Answer {
    std::mutex mutex;
    std::condition_variable arrived;
    std::optional<Result<void>> result;
  } answer;
  submit(std::move(unit), [&answer, &done](Result<void> result) {
    if (done) done(result);
    // Notified under the lock: once it is released, `answer` may be gone.
    const std::lock_guard lock(answer.mutex);
    answer.result = std::move(result);
    answer.arrived.notify_one();
  });
  while (commit_here()) {
  }
  std::unique_lock lock(answer.mutex);
  answer.arrived.wait(lock, [&answer] { return answer.result.has_value(); });
  return std::move(*answer.result);
}

}  // namespace keyturn::store
