#include "sim/trace.h"

namespace keyturn::sim {
namespace {

void replace_all(std::string& text, const std::string& from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
}

}  // namespace

void Trace::add(std::string_view who, std::string_view what) {
  const std::int64_t micros = schedule_.elapsed().count();
  std::string line =
      fmt::format("{:>6}.{:06} {:<9} {}\n", micros / 1'000'000, micros % 1'000'000, who, what);
  if (!hidden_.empty()) replace_all(line, hidden_, "DATA");
  text_ += line;
}

void Trace::write(Level level, std::string_view event, Fields fields) {
  if (muted_ || level == Level::kDebug) return;
  std::string line = fmt::format("{} {}", to_string(level), event);
  for (const auto& [name, value] : fields) line += fmt::format(" {}=`{}`", name, value);
  add("log", line);
  if (level == Level::kError && !expected_.contains(event)) errors_.push_back(std::move(line));
}

}  // namespace keyturn::sim
