#include <algorithm>
#include <charconv>
#include <numeric>

#include "app/section.h"

namespace keyturn::app {
namespace {

std::string_view type_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "a boolean";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::table:
      return "a table";
    default:
      return "a date or time";
  }
}

// Levenshtein distance; names are short.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row[b.size()];
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit =
      trim(std::string_view(end, static_cast<std::size_t>(text.data() + text.size() - end)));
  std::uint64_t factor = 0;
  if (unit == "B") factor = 1;
  if (unit == "KiB") factor = std::uint64_t{1} << 10U;
  if (unit == "MiB") factor = std::uint64_t{1} << 20U;
  if (unit == "GiB") factor = std::uint64_t{1} << 30U;
  if (error != std::errc() || factor == 0 || count > (std::uint64_t{1} << 62U) / factor) {
    return fail(Code::kInvalid, "`{}` is not a size like \"512 KiB\", \"64 MiB\" or \"5 GiB\"",
                printable(text, 100));
  }
  return count * factor;
}

}  // namespace

std::optional<std::string> nearest(std::string_view name, const std::vector<std::string>& known) {
  std::optional<std::string> best;
  std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t edits = distance(name, candidate);
    if (edits >= least) continue;
    least = edits;
    best = candidate;
  }
  return best;
}

void Faults::add(const toml::source_region& where, std::string message) {
  if (first_) return;
  first_ = Error{Code::kInvalid,
                 fmt::format("{}:{}:{}: {}", file_, where.begin.line, where.begin.column, message)};
}

const toml::node* Section::find(std::string_view key) {
  known_.emplace_back(key);
  return table_ == nullptr ? nullptr : table_->get(key);
}

void Section::fault(std::string_view key, const std::string& message) {
  const toml::node* node = table_ == nullptr ? nullptr : table_->get(key);
  const toml::source_region nowhere{};
  faults_.add(node != nullptr ? node->source() : (table_ == nullptr ? nowhere : table_->source()),
              message);
}

void Section::read(std::string_view key, std::string& into) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto value = node->value_exact<std::string>();
  if (!value) {
    return fault(key,
                 fmt::format("`{}` in {} must be a string, not {}", key, name_, type_of(*node)));
  }
  into = *value;
}

void Section::read(std::string_view key, std::optional<std::string>& into) {
  std::string value;
  read(key, value);
  if (table_ != nullptr && table_->contains(key)) into = value;
}

void Section::read(std::string_view key, std::vector<std::string>& into) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const toml::array* items = node->as_array();
  if (items == nullptr) {
    return fault(key, fmt::format("`{}` in {} must be an array of strings, not {}", key, name_,
                                  type_of(*node)));
  }
  into.clear();
  for (const toml::node& item : *items) {
    const auto value = item.value_exact<std::string>();
    if (!value) {
      return faults_.add(item.source(), fmt::format("`{}` in {} must hold strings, not {}", key,
                                                    name_, type_of(item)));
    }
    into.push_back(*value);
  }
}

void Section::read(std::string_view key, std::map<std::string, std::string, std::less<>>& into) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const toml::table* entries = node->as_table();
  if (entries == nullptr) {
    return fault(key,
                 fmt::format("`{}` in {} must be a table, not {}", key, name_, type_of(*node)));
  }
  for (const auto& [name, item] : *entries) {
    const auto value = item.value_exact<std::string>();
    if (!value) {
      return faults_.add(item.source(), fmt::format("`{}` in `{}` must be a string, not {}",
                                                    name.str(), key, type_of(item)));
    }
    into.emplace(name.str(), *value);
  }
}

void Section::read_integer(std::string_view key, std::int64_t& into, Range range) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto value = node->value_exact<std::int64_t>();
  if (!value) {
    return fault(key,
                 fmt::format("`{}` in {} must be an integer, not {}", key, name_, type_of(*node)));
  }
  if (*value < range.least || *value > range.most) {
    return fault(key, fmt::format("`{}` in {} is {} but must be between {} and {}", key, name_,
                                  *value, range.least, range.most));
  }
  into = *value;
}

void Section::read(std::string_view key, Duration& into, DurationRange range) {
  std::optional<std::string> text;
  read(key, text);
  if (!text) return;
  const auto duration = parse_duration(*text);
  if (!duration)
    return fault(key, fmt::format("`{}` in {}: {}", key, name_, duration.error().message));
  if (*duration < range.least || *duration > range.most) {
    return fault(key,
                 fmt::format("`{}` in {} is {} but must be between {} and {}", key, name_, *text,
                             format_duration(range.least), format_duration(range.most)));
  }
  into = *duration;
}

void Section::read_bytes(std::string_view key, std::uint64_t& into, Range range) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  std::uint64_t bytes = 0;
  if (const auto number = node->value_exact<std::int64_t>()) {
    bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(*number, 0));
  } else if (const auto text = node->value_exact<std::string>()) {
    const auto parsed = parse_bytes(*text);
    if (!parsed)
      return fault(key, fmt::format("`{}` in {}: {}", key, name_, parsed.error().message));
    bytes = *parsed;
  } else {
    return fault(key, fmt::format("`{}` in {} must be a size like \"64 MiB\", not {}", key, name_,
                                  type_of(*node)));
  }
  if (bytes < static_cast<std::uint64_t>(range.least) ||
      bytes > static_cast<std::uint64_t>(range.most)) {
    return fault(key, fmt::format("`{}` in {} is {} bytes but must be between {} and {}", key,
                                  name_, bytes, range.least, range.most));
  }
  into = bytes;
}

std::vector<const toml::table*> Section::tables(std::string_view key) {
  std::vector<const toml::table*> found;
  const toml::node* node = find(key);
  if (node == nullptr) return found;
  const toml::array* items = node->as_array();
  if (items == nullptr) {
    fault(key, fmt::format("`{}` must be written as [[{}]], with two brackets", key, key));
    return found;
  }
  for (const toml::node& item : *items) {
    if (const toml::table* table = item.as_table()) {
      found.push_back(table);
    } else {
      faults_.add(item.source(), fmt::format("`{}` must hold tables, not {}", key, type_of(item)));
    }
  }
  return found;
}

void Section::finish() {
  if (table_ == nullptr) return;
  for (const auto& [key, node] : *table_) {
    const std::string name(key.str());
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    const auto near = nearest(name, known_);
    const std::string help = near ? fmt::format("did you mean `{}`?", *near)
                                  : fmt::format("known keys are {}", fmt::join(known_, ", "));
    faults_.add(key.source(),
                fmt::format("unknown key `{}` in {}; {}", printable(name, 100), name_, help));
  }
}

}  // namespace keyturn::app
