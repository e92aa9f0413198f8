#include "store/postgres_news.h"

#include <libpq-fe.h>
#include <poll.h>

#include <array>

namespace keyturn::store {
namespace {

// One channel for all schemas, because a channel's name is shorter than some schemas'.
constexpr const char* kAnnounce = "SELECT pg_notify('keyturn', current_schema())::text";
constexpr const char* kListen = "LISTEN keyturn";

class PostgresNews final : public News {
 public:
  PostgresNews(PostgresOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  void wait(Duration timeout) override {
    const Instant end = clock_.monotonic() + timeout;
    if (!is_listening()) connect();
    bool over = false;
    while (!over && !take()) over = !poll_until(end);
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

  // Whether something may have come; not when the time is up.
  bool poll_until(Instant end) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock_.monotonic());
    if (left <= std::chrono::milliseconds::zero()) return false;
    // Without a session there is nothing to hear, and only the time passes.
    pollfd socket{is_listening() ? PQsocket(connection_.get()) : -1, POLLIN, 0};
    if (::poll(&socket, 1, static_cast<int>(left.count())) == 0) return false;
    if (PQconsumeInput(connection_.get()) != 1) connection_.reset();
    return true;
  }

  void connect() {
    const std::array keywords = {"dbname", "application_name", "connect_timeout",
                                 static_cast<const char*>(nullptr)};
    const std::array values = {options_.url.c_str(), "keyturn", "5",
                               static_cast<const char*>(nullptr)};
    connection_.reset(PQconnectdbParams(keywords.data(), values.data(), 1));
    if (!is_listening()) return;
    const std::unique_ptr<PGresult, Clear> answer(PQexec(connection_.get(), kListen));
    if (PQresultStatus(answer.get()) != PGRES_COMMAND_OK) connection_.reset();
  }

  // Whether there was anything for our schema. Takes all there is.
  bool take() {
    bool any = false;
    if (!is_listening()) return any;
    while (const auto told = std::unique_ptr<PGnotify, Free>(PQnotifies(connection_.get()))) {
      any = any || options_.schema == told->extra;
    }
    return any;
  }

  const PostgresOptions options_;
  const Clock& clock_;
  std::unique_ptr<PGconn, Finish> connection_;
};

}  // namespace

Result<void> announce(Transaction& transaction) {
  if (transaction.engine() != Engine::kPostgres) return {};
  TRY_VOID(transaction.query(kAnnounce));
  return {};
}

std::unique_ptr<News> listen_in_postgres(const PostgresOptions& options, const Clock& clock) {
  return std::make_unique<PostgresNews>(options, clock);
}

}  // namespace keyturn::store
