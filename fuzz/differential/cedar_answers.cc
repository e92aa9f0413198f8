// Reads a call on each line and writes the engine's answer, so that another implementation can be
// held against it.
#include <cstdio>
#include <iostream>
#include <string>

#include "cedar/differential_answer.h"

namespace {

keyturn::Json answer(const std::string& line) {
  keyturn::JsonLimits limits;
  limits.depth_max = 1500;
  const keyturn::Result<keyturn::Json> json = keyturn::parse_strict(line, limits);
  if (json) return keyturn::cedar::answer_call(*json);
  return keyturn::Json::object({{"ok", false}, {"error", keyturn::Json(json.error().message)}});
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::string text = keyturn::to_text(answer(line)) + "\n";
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
  return 0;
}
