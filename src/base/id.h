// Identifiers as types: an AgentId is no PersonId. The text is what people type and tables store.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/random.h"
#include "base/result.h"

namespace keyturn {

template <class Tag>
class Id {
 public:
  Id() = default;
  explicit Id(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  friend auto operator<=>(const Id&, const Id&) = default;

 private:
  std::string text_;
};

// A name that people choose for a person, agent or environment: 1 to 63 of a-z, 0-9, `-`, `_`, `.`,
// beginning with a letter. Returns it unchanged. Errors: kInvalid, naming the fault.
Result<std::string> check_handle(std::string_view text);

// `prefix_` and 26 random characters of Crockford's base 32 in lower case: 130 bits, so that ids
// can be drawn anywhere without asking.
std::string make_id(std::string_view prefix, Random& random);

}  // namespace keyturn

template <class Tag>
struct std::hash<keyturn::Id<Tag>> {
  std::size_t operator()(const keyturn::Id<Tag>& id) const noexcept {
    return std::hash<std::string>()(id.text());
  }
};
