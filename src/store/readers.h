// A pool of read-only connections of any engine. Any thread may read; who finds none free waits for
// one, which is short because reads are.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "store/store.h"

namespace keyturn::store {

// What the pool needs of an engine: a connection that cannot write, used by one thread at a time.
class ReadConnection : public Transaction {
 public:
  // From here every statement sees one state of the database.
  virtual Result<void> begin() = 0;
  virtual Result<void> end() = 0;
};

class Readers {
 public:
  explicit Readers(std::vector<std::unique_ptr<ReadConnection>> connections)
      : free_(std::move(connections)) {}
  Result<void> read(const Unit& unit);
  // Waits for reads in progress, closes the connections, refuses further reads.
  void close();

 private:
  using Connection = std::unique_ptr<ReadConnection>;
  Result<Connection> take();
  void give_back(Connection connection);

  std::mutex mutex_;  // guards the rest
  std::condition_variable given_back_;
  std::vector<Connection> free_;
  std::size_t taken_ = 0;
  bool closed_ = false;
};

}  // namespace keyturn::store
