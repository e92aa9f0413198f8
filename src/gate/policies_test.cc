// Loading a pack: what is refused, and where the message points.
#include <gmock/gmock.h>

#include "gate/fixture_test.h"

namespace keyturn::gate {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(const std::vector<Policies::File>& files,
                     const Policies::File& schema = pack_schema()) {
  const auto policies = Policies::load(files, schema);
  return policies ? "" : policies.error().message;
}

constexpr std::string_view kPermit = "permit (principal, action, resource);\n";

TEST(PoliciesLoad, PointsAtAParseErrorWithFileLineAndColumn) {
  const std::string error =
      error_of({{"a.cedar", "permit (principal, action, resource)\n  when;"}});
  EXPECT_THAT(error, StartsWith("a.cedar: "));
  EXPECT_THAT(error, HasSubstr("line 2, column 7"));
}

TEST(PoliciesLoad, PointsAtAPolicyThatDoesNotFitTheSchema) {
  const std::string error =
      error_of({{"a.cedar", std::string("@id(\"one\")\n") + std::string(kPermit) +
                                "\n@id(\"two\") permit (principal, action, resource) "
                                "when { context.approval >= 1 };"}});
  EXPECT_THAT(error, StartsWith("a.cedar:4:1: policy `two` does not fit the schema"));
}

TEST(PoliciesLoad, RefusesEqualIdsAndNamesBothPlaces) {
  const std::string text = "@id(\"one\") " + std::string(kPermit);
  const std::string error = error_of({{"a.cedar", text}, {"b.cedar", "\n" + text}});
  EXPECT_THAT(error, StartsWith("b.cedar:2:1: the policy id `one` is taken at a.cedar:1:1"));
}

TEST(PoliciesLoad, RefusesTemplatesDoubleFilesAndUnprintableIds) {
  EXPECT_THAT(error_of({{"a.cedar", "permit (principal == ?principal, action, resource);"}}),
              HasSubstr("template"));
  EXPECT_THAT(error_of({{"a.cedar", ""}, {"a.cedar", ""}}), HasSubstr("given twice"));
  EXPECT_THAT(error_of({{"a.cedar", "@id(\"a\\nb\") " + std::string(kPermit)}}),
              HasSubstr("printable"));
}

TEST(PoliciesLoad, RefusesASchemaThatDoesNotFitTheGate) {
  const Policies::File schema{"small.cedarschema",
                              "entity Person, Agent, Resource; action \"observe\" appliesTo "
                              "{ principal: [Person, Agent], resource: [Resource] };"};
  EXPECT_THAT(error_of({}, schema), HasSubstr("does not fit what the gate asks"));
}

TEST(PoliciesLoad, NamesAPolicyWithoutAnIdByFileAndPosition) {
  const auto policies = load({{"a.cedar", std::string(kPermit) + std::string(kPermit)}});
  const auto verdict = evaluate(*policies, action_of(Effect::kObserve, Tier::kProduction),
                                {AgentId("kiro"), PersonId("alice"), "", 0});
  EXPECT_THAT(verdict->reasons, testing::ElementsAre("a.cedar#0", "a.cedar#1"));
}

TEST(PoliciesDigest, IsOverNamesContentsAndSchemaAndNotOrder) {
  const Policies::File a{"a.cedar", std::string(kPermit)};
  const Policies::File b{"b.cedar", "// nothing"};
  EXPECT_EQ(load({a, b})->digest(), load({b, a})->digest());
  EXPECT_NE(load({a, b})->digest(), load({a})->digest());
  EXPECT_NE(load({a})->digest(), load({{"c.cedar", a.text}})->digest());
  EXPECT_NE(load({a})->digest(), load({{"a.cedar", a.text + "\n"}})->digest());
}

}  // namespace
}  // namespace keyturn::gate
