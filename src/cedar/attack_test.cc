// What a stranger would throw at the engine: every text form with what it must refuse, everything
// that may be many made as many as a text has room for, and what explains decisions held to them.
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "cedar/cedar.h"
#include "cedar/destroy_sample_test.h"
#include "cedar/explain.h"
#include "cedar/format.h"
#include "cedar/limits.h"
#include "cedar/partial.h"
#include "cedar/request_json.h"

namespace keyturn::cedar {
namespace {

struct Form {
  std::string_view name;
  // The error's message, or empty.
  std::function<std::string(std::string_view)> read;
  std::string_view text;  // that is read; `@` stands in a string of it
};

template <class T>
std::string message_of(const Result<T>& result) {
  return result ? std::string() : result.error().message;
}

const std::vector<Form>& forms() {
  static const std::vector<Form> kForms = {
      {"policies", [](std::string_view text) { return message_of(PolicySet::parse(text)); },
       "permit(principal, action,\n resource == R::\"@\");"},
      {"formatted policies",
       [](std::string_view text) { return message_of(format_policies(text)); },
       "permit(principal, action,\n resource == R::\"@\");"},
      {"entity", [](std::string_view text) { return message_of(EntityUid::parse(text)); },
       "R ::\n \"@\""},
      {"policies in JSON",
       [](std::string_view text) { return message_of(PolicySet::parse_json(text)); },
       R"({"staticPolicies": {"@": {"effect": "permit", "principal": {"op": "All"},
        "action": {"op": "All"}, "resource": {"op": "All"}, "conditions": []}},
        "templates": {}, "templateLinks": []})"},
      {"schema", [](std::string_view text) { return message_of(Schema::parse(text)); },
       "entity R = {\n \"@\": Long };"},
      {"schema in JSON", [](std::string_view text) { return message_of(Schema::parse_json(text)); },
       R"({"": {"entityTypes": {"R": {"shape": {"type": "Record", "attributes":
        {"@": {"type": "Long"}}}}}, "actions": {}}})"},
      {"entities", [](std::string_view text) { return message_of(Entities::parse_json(text)); },
       R"([{"uid": {"type": "R", "id": "@"}, "attrs": {},
        "parents": []}])"},
      {"request", [](std::string_view text) { return message_of(parse_request_json(text)); },
       R"({"principal": {"type": "R", "id": "@"}, "action": {"type": "Action", "id": "a"},
        "resource": {"type": "R", "id": "r"}, "context": {"n": 1}})"},
  };
  return kForms;
}

std::string with(std::string_view text, std::string_view part) {
  std::string changed(text);
  changed.replace(changed.find('@'), 1, part);
  return changed;
}

TEST(Attack, EveryFormRefusesTheSameBytesWithTheirPlace) {
  const std::pair<std::string_view, std::string_view> wrong[] = {
      {"\x80", "not valid UTF-8"},         {"\xc0\xaf", "not valid UTF-8"},
      {"\xed\xa0\x80", "not valid UTF-8"}, {"\xf4\x90\x80\x80", "not valid UTF-8"},
      {"\xe2\x82", "not valid UTF-8"},     {"\xff\xfe", "not valid UTF-8"},
  };
  for (const Form& form : forms()) {
    EXPECT_EQ(form.read(with(form.text, "é😀")), "") << form.name;
    for (const auto& [bytes, message] : wrong) {
      const std::string text = with(form.text, bytes);
      const std::string found = form.read(text);
      EXPECT_NE(found.find(message), std::string::npos) << form.name << ": " << found;
      EXPECT_NE(found.find(fmt::format("byte {} ", text.find(bytes))), std::string::npos)
          << form.name << ": " << found;
    }
    EXPECT_NE(form.read("\xef\xbb\xbf" + with(form.text, "x")).find("line 1, column 1"),
              std::string::npos)
        << form.name;
    EXPECT_NE(form.read(std::string("\xff\xfe{\0}\0", 6)), "") << form.name;
    EXPECT_NE(form.read(with(form.text, std::string(kTextBytesMax, 'x'))).find("8388608"),
              std::string::npos)
        << form.name;
    // A zero byte is a character like another within a Cedar string, and refused by JSON.
    const bool is_json = form.text.front() == '{' || form.text.front() == '[';
    EXPECT_EQ(form.read(with(form.text, std::string_view("\0", 1))) == "", !is_json) << form.name;
  }
}

TEST(Attack, EveryFormIsRefusedWholeWhereverItEndsEarly) {
  for (const Form& form : forms()) {
    const std::string text = with(form.text, "x");
    for (std::size_t size = 1; size < text.size(); ++size) {
      const std::string_view part = std::string_view(text).substr(0, size);
      const std::string message = form.read(part);
      // `entity R;` and policies of no length are whole; nothing of these forms is before its end.
      EXPECT_NE(message, "") << form.name << ": " << part;
      EXPECT_NE(message.find("line "), std::string::npos) << form.name << ": " << message;
    }
  }
}

TEST(Attack, DuplicateKeysAreRefusedInEveryJsonAtEveryDepth) {
  for (const Form& form : forms()) {
    const std::string text = with(form.text, "x");
    if (text.front() != '{' && text.front() != '[') continue;
    std::size_t seen = 0;
    for (std::size_t at = text.find('{'); at != std::string::npos; at = text.find('{', at + 1)) {
      const std::size_t key = text.find_first_not_of(" \n", at + 1);
      if (text[key] != '"') continue;
      const std::string name = text.substr(key, text.find('"', key + 1) + 1 - key);
      const std::string message =
          form.read(text.substr(0, at + 1) + name + ": 1, " + text.substr(at + 1));
      EXPECT_NE(message.find("duplicate key"), std::string::npos) << form.name << ": " << message;
      EXPECT_NE(message.find("line "), std::string::npos) << message;
      ++seen;
    }
    EXPECT_GE(seen, 2U) << form.name;
  }
}

TEST(Attack, IntegersBeyondSixtyFourBitsAreRefusedWhereverTheyStand) {
  for (const std::string_view number :
       {"9223372036854775808", "-9223372036854775809", "1e3", "1.0", "1E400", "-0",
        "99999999999999999999999999999999999999999999"}) {
    const std::string entity = fmt::format(
        R"([{{"uid":{{"type":"R","id":"r"}}, "attrs": {{"n": [{{"m": {}}}]}}, "parents": []}}])",
        number);
    EXPECT_NE(message_of(Entities::parse_json(entity)).find("line 1, column"), std::string::npos)
        << number;
    const std::string request = fmt::format(
        "{{\"principal\": \"R::\\\"r\\\"\", \"action\": \"Action::\\\"a\\\"\", "
        "\"resource\": \"R::\\\"r\\\"\", \"context\":\n{{\"n\": {}}}}}",
        number);
    EXPECT_NE(message_of(parse_request_json(request)).find("line 2, column "), std::string::npos)
        << number << message_of(parse_request_json(request));
  }
  EXPECT_TRUE(
      PolicySet::parse("permit(principal, action, resource) when { -9223372036854775808 < "
                       "9223372036854775807 };"));
}

std::string many(std::size_t bytes, const std::function<std::string(std::size_t)>& part) {
  std::string text;
  for (std::size_t i = 0; text.size() < bytes; ++i) text += part(i);
  return text;
}

Request plain_request() { return {{"U", "u"}, {"Action", "a"}, {"R", "r"}, Json(Json::Object())}; }

// Each in hundreds of thousands of parts: read, written, decided, explained, in time.
TEST(Attack, WhateverMayBeManyEndsWhenItIsVeryMany) {
  constexpr std::size_t kBytes = kTextBytesMax / 4;
  const auto policy = [&](std::string_view before, std::string_view part, std::string_view after) {
    return std::string(before) +
           many(kBytes, [&](std::size_t i) { return fmt::format(fmt::runtime(part), i); }) +
           std::string(after);
  };
  constexpr std::string_view kScope = "permit(principal, action, resource)";
  const std::string scope(kScope);
  const std::string texts[] = {
      policy(scope, " when {{ {0} == {0} }}", ";"),
      policy(scope, " unless {{ {0} > {0} }}", ";"),
      policy(scope + " when { true", " && {0} == {0}", " };"),
      policy(scope + " when { false", " || {0} == {0}", " };"),
      policy(scope + " when { [0", ",{}", "].contains(7) };"),
      policy(scope + " when { {a: 1", ",k{0}:{0}", "} has a };"),
      policy("@a0(\"\")", " @k{}(\"v\")", scope + ";"),
      policy("permit(principal, action in [Action::\"a\"", ",Action::\"x{}\"", "], resource);"),
      policy("// first\n", "// {}\n", scope + ";"),
      scope + " when { \"" + std::string(kBytes, 'a') + "\" == \"b\" || true };",
  };
  for (const std::string& text : texts) {
    const std::string_view start = std::string_view(text).substr(0, 60);
    const Result<PolicySet> policies = PolicySet::parse(text);
    ASSERT_TRUE(policies) << start << policies.error().message;
    const Result<PreparedRequest> request = PreparedRequest::make(plain_request());
    ASSERT_TRUE(request);
    EXPECT_EQ(authorize(*policies, Entities(), *request).decision, Decision::kAllow) << start;
    const Explanation explained = explain(*policies, Entities(), *request);
    EXPECT_EQ(explained.policies.front().truth, Truth::kTrue) << start;
    EXPECT_TRUE(authorize_partially(*policies, Entities(), {plain_request(), {"x"}})) << start;
    const Result<PolicySet> printed = PolicySet::parse(policies->print());
    ASSERT_TRUE(printed) << start << printed.error().message;
    EXPECT_EQ(printed->print(), policies->print()) << start;
    EXPECT_TRUE(format_policies(text)) << start;
    (void)policies->json();  // may be too deep, which is an error
  }
}

TEST(Attack, PatternsOfManyWildcardsAgainstLongTextsEnd) {
  const std::string long_text(1U << 20U, 'a');
  const std::string half(1U << 19U, 'a');
  const std::pair<std::string, bool> patterns[] = {
      {"*" + half + "b", false},
      {"*" + half + "b*", false},
      {"*" + half + "*", true},
      {many(1U << 20U, [](std::size_t) { return std::string("*a"); }) + "*b", false},
      {many(1U << 18U, [](std::size_t) { return std::string("*aaaaaab"); }), false},
      {std::string(1U << 20U, '*'), true},
  };
  const Result<Entities> entities = Entities::from_json(
      Json::array({Json::object({{"uid", Json::object({{"type", "U"}, {"id", "u"}})},
                                 {"attrs", Json::object({{"s", long_text}})},
                                 {"parents", Json(Json::Array())}})}));
  ASSERT_TRUE(entities);
  for (const auto& [pattern, matches] : patterns) {
    const Result<PolicySet> policies = PolicySet::parse(
        "permit(principal, action, resource) when { principal.s like \"" + pattern + "\" };");
    ASSERT_TRUE(policies);
    const Result<Response> response = authorize(*policies, *entities, plain_request());
    ASSERT_TRUE(response);
    EXPECT_TRUE(response->errors.empty());
    EXPECT_EQ(response->decision == Decision::kAllow, matches) << pattern.substr(0, 40);
  }
}

TEST(Attack, OneTemplateMayHaveAsManyLinksAsATextHasRoomFor) {
  const std::string text = fmt::format(
      R"({{"staticPolicies": {{}}, "templates": {{"t": {{"effect": "permit",
       "principal": {{"op": "==", "slot": "?principal"}}, "action": {{"op": "All"}},
       "resource": {{"op": "in", "slot": "?resource"}}, "conditions": []}}}},
       "templateLinks": [{}]}})",
      many(kTextBytesMax - 10'000, [](std::size_t i) {
        return fmt::format(
            "{}{{\"templateId\":\"t\",\"newId\":\"l{}\",\"values\":{{\"?principal\":"
            "{{\"type\":\"U\",\"id\":\"u{}\"}},\"?resource\":{{\"type\":\"R\","
            "\"id\":\"r\"}}}}}}",
            i == 0 ? "" : ",\n", i, i);
      }));
  const Result<PolicySet> policies = PolicySet::parse_json(text);
  ASSERT_TRUE(policies) << policies.error().message;
  const std::size_t count = policies->ids().size();
  EXPECT_GT(count, 50'000U);
  Request request = plain_request();
  request.principal.id = fmt::format("u{}", count - 1);
  const Result<Response> response = authorize(*policies, Entities(), request);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->reasons, std::vector<std::string>{fmt::format("l{}", count - 1)});
  // The last link under the id of the first.
  std::string twice = text;
  const std::string last = fmt::format("\"newId\":\"l{}\"", count - 1);
  twice.replace(twice.find(last), last.size(), "\"newId\":\"l0\"");
  const std::string message = message_of(PolicySet::parse_json(twice));
  EXPECT_NE(message.find(fmt::format("(`/templateLinks/{}`)", count - 1)), std::string::npos)
      << message;
}

// Conditions over what a policy may look at, that come to true, false and errors.
std::string random_condition(std::mt19937& random, int depth) {
  const std::vector<std::string> leaves = {"true",
                                           "false",
                                           "1",
                                           "principal == resource",
                                           "context.c == 1",
                                           "context.none",
                                           "context has c",
                                           "principal.owner is Person",
                                           "9223372036854775807 + context.c > 0",
                                           "principal in resource",
                                           "context.c < 2",
                                           "principal has owner",
                                           "[1, 2].contains(context.c)"};
  if (depth == 0) return leaves[random() % leaves.size()];
  const std::string a = random_condition(random, depth - 1);
  const std::string b = random_condition(random, depth - 1);
  switch (random() % 5) {
    case 0:
      return fmt::format("({}) && ({})", a, b);
    case 1:
      return fmt::format("({}) || ({})", a, b);
    case 2:
      return fmt::format("!({})", a);
    case 3:
      return fmt::format("if ({}) then ({}) else ({})", a, b, random_condition(random, 0));
    default:
      return a;
  }
}

Truth truth_of(const std::string& condition, std::string_view keyword) {
  const Result<PolicySet> policy = PolicySet::parse(
      fmt::format("permit(principal, action, resource) {} {{ {} }};", keyword, condition));
  EXPECT_TRUE(policy) << condition;
  const Result<Response> response =
      authorize(*policy, entities(), request(Json::object({{"c", 1}})));
  EXPECT_TRUE(response);
  if (!response->errors.empty()) return Truth::kFailed;
  return response->decision == Decision::kAllow ? Truth::kTrue : Truth::kFalse;
}

// Each condition's truth is that of a policy of this condition alone, up to the one that settles.
TEST(Attack, ExplanationsSayWhatEvaluationSays) {
  std::mt19937 random(7);
  std::array<std::size_t, 3> seen{};
  for (int i = 0; i < 2'000; ++i) {
    std::vector<std::pair<std::string, std::string>> clauses;
    std::string text = "permit(principal, action, resource)";
    for (std::size_t count = 1 + random() % 3; count > 0; --count) {
      clauses.emplace_back(random() % 2 == 0 ? "when" : "unless", random_condition(random, 3));
      text += fmt::format(" {} {{ {} }}", clauses.back().first, clauses.back().second);
    }
    const Result<PolicySet> policies = PolicySet::parse(text + ";");
    ASSERT_TRUE(policies) << text;
    const Result<PreparedRequest> asked = PreparedRequest::make(request(Json::object({{"c", 1}})));
    ASSERT_TRUE(asked);
    const Explanation explained = explain(*policies, entities(), *asked);
    const PolicyExplanation& policy = explained.policies.front();
    Truth expected = Truth::kTrue;
    for (std::size_t at = 0; at < clauses.size(); ++at) {
      const ConditionExplanation& condition = policy.conditions.at(at);
      if (expected != Truth::kTrue) {
        EXPECT_EQ(condition.truth, Truth::kNotReached) << text;
        continue;
      }
      expected = truth_of(clauses[at].second, clauses[at].first);
      EXPECT_EQ(condition.truth, expected) << text << "\n" << condition.text;
      if (expected != Truth::kTrue) {
        EXPECT_NE(condition.deciding + condition.error, "") << text;
      }
    }
    EXPECT_EQ(policy.truth, expected) << text;
    const Response response = authorize(*policies, entities(), *asked);
    EXPECT_EQ(response.decision == Decision::kAllow, expected == Truth::kTrue) << text;
    EXPECT_EQ(!response.errors.empty(), expected == Truth::kFailed) << text;
    ++seen[static_cast<std::size_t>(expected)];
  }
  for (const std::size_t count : seen) EXPECT_GT(count, 200U);
}

// With a comment, or a line's end, in every gap in turn: the policy and every comment stay.
TEST(Attack, TheFormatterKeepsPoliciesAndCommentsWhereverTheyStand) {
  const std::vector<std::string> tokens = {
      "@id",    "(",      "\"x // no\"", ")",        "permit", "(",      "principal", "is",
      "User",   "in",     "Group",       "::",       "\"g\"",  ",",      "action",    "in",
      "[",      "Action", "::",          "\"a\"",    ",",      "Action", "::",        "\"b\"",
      "]",      ",",      "resource",    ")",        "when",   "{",      "context",   ".",
      "n",      "<",      "-",           "1",        "&&",     "{",      "a",         ":",
      "[",      "1",      ",",           "2",        "]",      "}",      "has",       "a",
      "}",      "unless", "{",           "if",       "true",   "then",   "false",     "else",
      "\"/*\"", "like",   "\"*//\"",     "}",        ";",      "forbid", "(",         "principal",
      ",",      "action", ",",           "resource", ")",      ";"};
  const auto joined = [&](const std::function<std::string(std::size_t)>& gap) {
    std::string text;
    for (std::size_t i = 0; i < tokens.size(); ++i) text += gap(i) + tokens[i];
    return text + gap(tokens.size());
  };
  const std::string plain = joined([](std::size_t) { return std::string(" "); });
  const Result<PolicySet> policies = PolicySet::parse(plain);
  ASSERT_TRUE(policies) << policies.error().message;
  std::mt19937 random(11);
  for (std::size_t round = 0; round < 200; ++round) {
    std::vector<std::string> comments;
    const std::string text = joined([&](std::size_t gap) -> std::string {
      const bool is_here = round < tokens.size() + 1 ? gap == round : random() % 10 == 0;
      if (!is_here) return random() % 8 == 0 ? "\n\n\t" : " ";
      comments.push_back(fmt::format("// c{} \"é\" */", gap));
      return " " + comments.back() + "\n";
    });
    const Result<std::string> formatted = format_policies(text);
    ASSERT_TRUE(formatted) << text << formatted.error().message;
    const Result<PolicySet> after = PolicySet::parse(*formatted);
    ASSERT_TRUE(after) << *formatted << after.error().message;
    EXPECT_EQ(after->print(), policies->print()) << *formatted;
    std::size_t at = 0;
    for (const std::string& comment : comments) {
      at = formatted->find(comment, at);
      ASSERT_NE(at, std::string::npos) << comment << " of\n" << text << "\nin\n" << *formatted;
    }
    EXPECT_EQ(*format_policies(*formatted), *formatted) << text;
  }
}

}  // namespace
}  // namespace keyturn::cedar
