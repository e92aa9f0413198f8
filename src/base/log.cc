#include "base/log.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/json.h"

namespace keyturn {

std::string_view to_string(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "error";
}

namespace {

std::string format_line(Level level, std::string_view event, Log::Fields fields) {
  std::string line = fmt::format("\"level\":\"{}\",\"event\":", to_string(level));
  append_json_string(line, event);
  for (const auto& [key, value] : fields) {
    line += ',';
    append_json_string(line, key);
    line += ':';
    append_json_string(line, value);
  }
  line += "}\n";
  return line;
}

}  // namespace

void StreamLog::write(Level level, std::string_view event, Fields fields) {
  if (level < threshold_) return;
  const std::string line = fmt::format("{{\"time\":\"{}\",", format_time(clock_.now())) +
                           format_line(level, event, fields);
  const std::lock_guard lock(mutex_);
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written <= 0) return;  // nowhere left to say so
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

MemoryLog::~MemoryLog() {
  if (errors_.empty()) return;
  for (const std::string& line : errors_) std::fprintf(stderr, "unexpected: %s", line.c_str());
  std::abort();
}

std::vector<std::string> MemoryLog::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

std::vector<std::string> MemoryLog::take_errors() {
  const std::lock_guard lock(mutex_);
  return std::exchange(errors_, {});
}

void MemoryLog::write(Level level, std::string_view event, Fields fields) {
  const std::string line = "{" + format_line(level, event, fields);
  const std::lock_guard lock(mutex_);
  lines_.push_back(line);
  if (level == Level::kError) errors_.push_back(line);
}

}  // namespace keyturn
