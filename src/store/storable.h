// Which texts every engine can hold: what is stored must be able to move between them.
#pragma once

#include <string_view>

namespace keyturn::store {

// UTF-8 without NUL, as PostgreSQL wants it.
bool is_storable_text(std::string_view text);

}  // namespace keyturn::store
