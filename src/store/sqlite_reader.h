// A pool of read-only connections. Any thread may read; who finds none free waits for one, which is
// short because reads are.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/sqlite_connection.h"

namespace keyturn::store {

class SqliteReaders {
 public:
  static Result<std::unique_ptr<SqliteReaders>> open(const std::string& path, std::size_t count);
  Result<void> read(const Unit& unit);
  // Waits for reads in progress, closes the connections, refuses further reads.
  void close();

  // Owns the connections; open() is the way to get one.
  explicit SqliteReaders(std::vector<std::unique_ptr<SqliteConnection>> connections)
      : free_(std::move(connections)) {}

 private:
  using Connection = std::unique_ptr<SqliteConnection>;
  Result<Connection> take();
  void give_back(Connection connection);

  std::mutex mutex_;  // guards the rest
  std::condition_variable given_back_;
  std::vector<Connection> free_;
  std::size_t taken_ = 0;
  bool closed_ = false;
};

}  // namespace keyturn::store
