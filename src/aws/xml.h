// XML bodies as AWS's rest-xml protocol sends them, read strictly and written again in one way.
// Refused with kInvalid: DOCTYPE and entities of its own, processing instructions, text beside
// elements, repeated attributes, depth. Comments and white space between elements are left out.
// Nothing is ever resolved. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace keyturn::aws {

inline constexpr std::size_t kXmlDepthMax = 48;            // AWS's own go to about 15
inline constexpr std::size_t kXmlElementsMax = 1'000'000;  // of a 64 MiB body

struct Xml {
  std::string root;
  Json value;  // the root's children; repeated elements are arrays, leaves are text
  std::string encoded;
};
Result<Xml> read_xml(std::string_view bytes);

}  // namespace keyturn::aws
