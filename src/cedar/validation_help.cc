#include "cedar/validation_help.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

namespace keyturn::cedar {
namespace {

// Longer names are not compared: the work grows with the square.
constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kNamesMax = 10'000;  // of a schema; one message may look at so many

struct Hint {
  std::string_view part;  // of the message
  std::string_view help;
};
constexpr std::array kHints = {
    Hint{"access to optional attribute",
         "test that it is there first, as in `principal has name && principal.name == …`"},
    Hint{"access to tag",
         "test that it is there first, as in `e.hasTag(\"k\") && e.getTag(\"k\") == …`"},
    Hint{"`tags` were declared", "declare them in the schema, as in `entity E tags String;`"},
    Hint{
        "unable to find an applicable action",
        "no action of the schema has this principal and this resource together in its `appliesTo`"},
    Hint{"empty set literals", "compare with `.isEmpty()` instead"},
    Hint{"may not be called with non-literal",
         "write the value as a literal, or pass it as an attribute of that type"},
    Hint{"which exceeds the maximum allowed level",
         "use fewer dereferences in a row, or allow a higher level"},
    Hint{"BIDI control characters", "the text is not in the order it is shown in; take them out"},
    Hint{"mixed scripts", "letters of different scripts look alike; write it in one of them"},
    Hint{"outside of the General Security Profile", "write it with plain letters"},
};

// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string nearest(std::string_view name, const std::vector<std::string>& known) {
  if (name.size() > kNameBytesMax) return {};
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const std::string& other : known) {
    if (other.size() > kNameBytesMax) continue;
    const std::size_t found = distance(name, other);
    if (found >= best_distance) continue;
    best = &other;
    best_distance = found;
  }
  return best == nullptr ? std::string() : fmt::format("did you mean `{}`?", *best);
}

std::string_view quoted_name(std::string_view message) {
  const std::size_t begin = message.find('`');
  const std::size_t end = message.rfind('`');
  return begin == end ? std::string_view() : message.substr(begin + 1, end - begin - 1);
}

}  // namespace

std::string validation_help(const SchemaContent& schema, std::string_view message,
                            std::size_t& names_left) {
  std::vector<std::string> known;
  const auto nearest_known = [&] {
    names_left -= std::min(names_left, known.size());
    return nearest(quoted_name(message), known);
  };
  if (message.starts_with("unrecognized entity type")) {
    if (names_left == 0) return {};
    for (const auto& [name, type] : schema.entities) {
      if (known.size() < std::min(kNamesMax, names_left)) known.push_back(name);
    }
    return nearest_known();
  }
  if (message.starts_with("unrecognized action")) {
    if (names_left == 0) return {};
    for (const auto& [uid, action] : schema.actions) {
      if (known.size() < std::min(kNamesMax, names_left)) known.push_back(uid.text());
    }
    return nearest_known();
  }
  for (const Hint& hint : kHints) {
    if (message.find(hint.part) != std::string_view::npos) return std::string(hint.help);
  }
  return {};
}

}  // namespace keyturn::cedar
