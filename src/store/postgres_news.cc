#include "store/postgres_news.h"

#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <thread>

namespace keyturn::store {
namespace {

// One channel for all schemas, because a channel's name is shorter than some schemas'.
constexpr const char* kAnnounce = "SELECT pg_notify('keyturn', current_schema())::text";
constexpr const char* kListen = "LISTEN keyturn";

class PostgresNews final : public News {
 public:
  explicit PostgresNews(PostgresOptions options) : options_(std::move(options)) {}

  void wait(Duration timeout) override {
    const auto end = std::chrono::steady_clock::now() + timeout;
    if (!is_listening() && !connect()) return std::this_thread::sleep_until(end);
    while (is_listening()) {
      if (take()) return;
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      if (left <= std::chrono::milliseconds::zero()) return;
      pollfd socket{PQsocket(connection_.get()), POLLIN, 0};
      static_cast<void>(::poll(&socket, 1, static_cast<int>(left.count())));
      if (PQconsumeInput(connection_.get()) != 1) connection_.reset();
    }
    std::this_thread::sleep_until(end);
  }

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct Free {
    void operator()(void* memory) const { PQfreemem(memory); }
  };
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };

  bool is_listening() const {
    return connection_ != nullptr && PQstatus(connection_.get()) == CONNECTION_OK;
  }

  bool connect() {
    const std::array keywords = {"dbname", "application_name", "connect_timeout",
                                 static_cast<const char*>(nullptr)};
    const std::array values = {options_.url.c_str(), "keyturn", "5",
                               static_cast<const char*>(nullptr)};
    connection_.reset(PQconnectdbParams(keywords.data(), values.data(), 1));
    if (!is_listening()) return false;
    const std::unique_ptr<PGresult, Clear> answer(PQexec(connection_.get(), kListen));
    if (PQresultStatus(answer.get()) == PGRES_COMMAND_OK) return true;
    connection_.reset();
    return false;
  }

  // Whether there was anything for our schema. Takes all there is.
  bool take() {
    bool any = false;
    while (const auto told = std::unique_ptr<PGnotify, Free>(PQnotifies(connection_.get()))) {
      any = any || options_.schema == told->extra;
    }
    return any;
  }

  const PostgresOptions options_;
  std::unique_ptr<PGconn, Finish> connection_;
};

}  // namespace

Result<void> announce(Transaction& transaction) {
  if (transaction.engine() != Engine::kPostgres) return {};
  TRY_VOID(transaction.query(kAnnounce));
  return {};
}

std::unique_ptr<News> listen_in_postgres(const PostgresOptions& options) {
  return std::make_unique<PostgresNews>(options);
}

}  // namespace keyturn::store
