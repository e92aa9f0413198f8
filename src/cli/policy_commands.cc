#include "cli/policy_commands.h"

#include "cli/commands.h"

namespace keyturn::cli {
namespace {

Result<Answer> dispatch(const Options& options, const Style& style) {
  switch (options.command) {
    case Command::kPolicyValidate:
      return validate_policies(options, style);
    case Command::kPolicyFormat:
      return format_policies(options);
    case Command::kPolicyTranslate:
      return translate_policies(options);
    case Command::kPolicyAuthorize:
      return authorize_request(options, style);
    case Command::kPolicyExplain:
      return explain_decision(options, style);
    case Command::kPolicyTest:
      return test_policies(options, style);
    case Command::kPolicyCorpus:
      return run_corpus(options);
    default:
      return fail(Code::kInternal, "no policy command");
  }
}

}  // namespace

std::string shortened(std::string_view text) {
  constexpr std::size_t kHeadBytes = 6'144;
  constexpr std::size_t kTailBytes = 1'024;  // where the place is
  if (text.size() <= kHeadBytes + kTailBytes) return std::string(text);
  const auto boundary = [&](std::size_t at) {
    while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U) --at;
    return at;
  };
  return fmt::format("{} … {}", text.substr(0, boundary(kHeadBytes)),
                     text.substr(boundary(text.size() - kTailBytes)));
}

std::string count_of(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

Result<Answer> answer_policy(const Options& options, const Style& style) {
  Result<Answer> answer = dispatch(options, style);
  if (answer) return answer;
  // The caret line shows the file's text, which anyone may have written.
  std::string shown = safe_lines(shortened(answer.error().message), 0);
  if (shown.ends_with('\n')) shown.pop_back();
  return fail(Error{answer.error().code, std::move(shown)});
}

Result<int> run_policy(const Context& context) {
  TRY(const Answer answer, answer_policy(context.options, context.style));
  if (!answer.notes.empty()) print_error(answer.notes);
  print(answer.text);
  return answer.exit_code;
}

}  // namespace keyturn::cli
