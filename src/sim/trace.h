// What happened, line by line with virtual times: for people to read and, hashed, to compare two
// runs of a seed. The product's log goes into it; its error-level lines are kept apart.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "crypto/crypto.h"
#include "sim/schedule.h"

namespace keyturn::sim {

class Trace final : public Log {
 public:
  // `hidden`: a path that differs between runs; written as DATA.
  Trace(const Schedule& schedule, std::string hidden)
      : schedule_(schedule), hidden_(std::move(hidden)) {}

  void add(std::string_view who, std::string_view what);
  const std::string& text() const { return text_; }
  Digest digest() const { return crypto::sha256(text_); }

  // While a server dies: what it still says, nobody reads.
  void mute() { muted_ = true; }
  void unmute() { muted_ = false; }
  // Error-level lines of this event are what the faults of this run are meant to bring about.
  void expect_error(std::string_view event) { expected_.emplace(event); }
  // Those that were not expected.
  const std::vector<std::string>& errors() const { return errors_; }

 private:
  void write(Level level, std::string_view event, Fields fields) override;

  const Schedule& schedule_;
  const std::string hidden_;
  std::string text_;
  bool muted_ = false;
  std::set<std::string, std::less<>> expected_;
  std::vector<std::string> errors_;
};

}  // namespace keyturn::sim
