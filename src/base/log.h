// Operator's log: one JSON object per line, with time, level, event and fields. Events are named
// like `gateway.request`; values are plain text. Never pass a secret: there is no redaction, only
// omission. A Log may be called from any thread. Writing never fails towards the caller.
#pragma once

#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace keyturn {

enum class Level { kDebug, kInfo, kWarning, kError };
std::string_view to_string(Level level);  // `error`

class Log {
 public:
  using Fields = std::initializer_list<std::pair<std::string_view, std::string>>;
  virtual ~Log() = default;

  void debug(std::string_view event, Fields fields = {}) { write(Level::kDebug, event, fields); }
  void info(std::string_view event, Fields fields = {}) { write(Level::kInfo, event, fields); }
  // Something is not as it should be, and we go on.
  void warning(std::string_view event, Fields fields = {}) {
    write(Level::kWarning, event, fields);
  }
  // A person must look. A test run with such a line fails.
  void error(std::string_view event, Fields fields = {}) { write(Level::kError, event, fields); }

 private:
  virtual void write(Level level, std::string_view event, Fields fields) = 0;
};

// Lines to a file descriptor, which must stay open as long as the log.
class StreamLog final : public Log {
 public:
  StreamLog(int descriptor, Level threshold, const Clock& clock)
      : descriptor_(descriptor), threshold_(threshold), clock_(clock) {}

 private:
  void write(Level level, std::string_view event, Fields fields) override;

  const int descriptor_;
  const Level threshold_;
  const Clock& clock_;
  std::mutex mutex_;
};

// Keeps its lines, for tests. At destruction it aborts if an error-level line was not taken.
class MemoryLog final : public Log {
 public:
  ~MemoryLog() override;
  std::vector<std::string> lines() const;
  // Returns the error-level lines so far and forgives them: the test expected them.
  std::vector<std::string> take_errors();

 private:
  void write(Level level, std::string_view event, Fields fields) override;

  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  std::vector<std::string> errors_;
};

}  // namespace keyturn
