// Which scripts a text is written in, after Unicode Technical Standard 39. Pure functions over
// tables.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace keyturn::cedar {

// Of checked UTF-8.
std::u32string characters_of(std::string_view text);
// Whether one script, or one of the combinations that Chinese, Japanese and Korean use, has all of
// the text.
bool is_single_script(std::u32string_view text);
// Whether the General Security Profile for Identifiers allows it.
bool is_identifier_character(char32_t character);

}  // namespace keyturn::cedar
