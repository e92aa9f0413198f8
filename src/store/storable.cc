#include "store/storable.h"

#include "base/bytes.h"

namespace keyturn::store {

bool is_storable_text(std::string_view text) {
  bool ascii = true;
  for (const char c : text) {
    if (c == '\0') return false;
    ascii = ascii && static_cast<unsigned char>(c) < 0x80U;
  }
  return ascii || is_valid_utf8(text);
}

}  // namespace keyturn::store
