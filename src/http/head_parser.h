// Reads the text of a head into fields: the only place that touches Beast, which takes long to
// compile. Beast accepts more than we admit; callers run check_head_bytes before and check_framing
// after.
#pragma once

#include "http/framing.h"

namespace keyturn::http {

// More fields than this are refused: every lookup walks them all.
inline constexpr std::size_t kFieldsMax = 200;

// One whole head with its empty line. kInvalid.
Result<ParsedRequest> parse_request_head(std::string_view bytes);
// The same; kCorrupt.
Result<ParsedResponse> parse_response_head(std::string_view bytes);

}  // namespace keyturn::http
