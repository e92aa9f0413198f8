// One table of a configuration file, read key by key. Whatever was not asked for is unknown. The
// first fault is kept; readers go on with defaults, so that sections need no error handling of
// their own.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace keyturn::app {
[[noreturn]] inline void refuse_toml() { throw std::logic_error("not TOML"); }
}  // namespace keyturn::app

// toml++ 3.3 asserts on some headers that are not TOML, such as `[[[`; that must refuse, not abort.
#define TOML_ASSERT(condition) ((condition) ? static_cast<void>(0) : ::keyturn::app::refuse_toml())
#include <toml++/toml.h>

#include "action/action.h"
#include "base/clock.h"
#include "base/result.h"

namespace keyturn::app {

// The first fault of a file.
class Faults {
 public:
  explicit Faults(std::string file) : file_(std::move(file)) {}
  void add(const toml::source_region& where, std::string message);
  const std::optional<Error>& first() const { return first_; }

 private:
  const std::string file_;
  std::optional<Error> first_;
};

class Section {
 public:
  // `name` as people write it: `[server]`. A null table stands for a missing section.
  Section(std::string name, const toml::table* table, Faults& faults)
      : name_(std::move(name)), table_(table), faults_(faults) {}

  void read(std::string_view key, std::string& into);
  void read(std::string_view key, std::optional<std::string>& into);
  void read(std::string_view key, std::vector<std::string>& into);
  void read(std::string_view key, std::map<std::string, std::string, std::less<>>& into);
  struct Range {
    std::int64_t least = 0;
    std::int64_t most = 0;
  };
  template <class Integer>
  void read(std::string_view key, Integer& into, Range range) {
    std::int64_t value = static_cast<std::int64_t>(into);
    read_integer(key, value, range);
    into = static_cast<Integer>(value);
  }
  // `"30s"`, `"5m"`.
  struct DurationRange {
    Duration least{0};
    Duration most{0};
  };
  void read(std::string_view key, Duration& into, DurationRange range);
  // A number of bytes, or text like `"64 MiB"`.
  void read_bytes(std::string_view key, std::uint64_t& into, Range range);
  // A string or an integer where both are natural, such as an account number.
  const toml::node* find(std::string_view key);
  // Tables of an array of tables; none when the key is missing.
  std::vector<const toml::table*> tables(std::string_view key);

  // Reports keys that nobody has read, with the nearest known one.
  void finish();
  void fault(std::string_view key, const std::string& message);
  Faults& faults() { return faults_; }
  const std::string& name() const { return name_; }
  bool exists() const { return table_ != nullptr; }

 private:
  void read_integer(std::string_view key, std::int64_t& into, Range range);

  const std::string name_;
  const toml::table* const table_;
  Faults& faults_;
  std::vector<std::string> known_;
};

// The known name with the fewest edits, if it is near enough to be what was meant.
std::optional<std::string> nearest(std::string_view name, const std::vector<std::string>& known);

struct Config;
void read_sections(const toml::table& root, Faults& faults, Config& config);

}  // namespace keyturn::app
