#include "aws/partiql.h"

#include <gtest/gtest.h>

namespace keyturn::aws {
namespace {

std::string target(std::string_view statement) {
  return target_of_partiql(statement).value_or("*");
}

TEST(Partiql, ASelectMayReadAWholeTableAndAnythingElseButInsertAndUpdateDestroys) {
  EXPECT_EQ(effect_of_partiql("SELECT * FROM Orders"), Effect::kReveal);
  EXPECT_EQ(effect_of_partiql(" \n select k from Orders where k = 'a'"), Effect::kReveal);
  EXPECT_EQ(effect_of_partiql("INSERT INTO Orders VALUE {'k': 'a'}"), Effect::kChange);
  EXPECT_EQ(effect_of_partiql("update Orders set a = 1 where k = 'a'"), Effect::kChange);
  for (const char* other : {"DELETE FROM Orders WHERE k = 'a'", "", " ", "-- x\nSELECT 1",
                            "/**/SELECT * FROM Orders", "(SELECT * FROM Orders)", "EXISTS(SELECT",
                            "\xc3\x9fSELECT", "selectx * FROM Orders", "DROP TABLE Orders"}) {
    EXPECT_EQ(effect_of_partiql(other), Effect::kDestroy) << other;
  }
}

TEST(Partiql, NamesTheTableOfEachKindOfStatement) {
  EXPECT_EQ(target("SELECT * FROM Orders"), "table/Orders");
  EXPECT_EQ(target("SELECT a, b.c[0] FROM \"Orders\" WHERE k = 'x' AND n > -1.5"), "table/Orders");
  EXPECT_EQ(target("select * from \"prod.orders-2\" order by d desc"), "table/prod.orders-2");
  EXPECT_EQ(target("SELECT * FROM Orders.ByDay WHERE d = ?"), "table/Orders/index/ByDay");
  EXPECT_EQ(target("SELECT * FROM \"Orders\".\"by-day\""), "table/Orders/index/by-day");
  EXPECT_EQ(target("INSERT INTO Orders VALUE {'k': 'FROM Others', 'l': [1, {'m': ?}]}"),
            "table/Orders");
  EXPECT_EQ(target("UPDATE \"Orders\" SET a = 1 SET b = list_append(b, ['x']) WHERE k = 'x'"),
            "table/Orders");
  EXPECT_EQ(target("UPDATE Orders REMOVE a WHERE k = 'x' RETURNING ALL OLD *"), "table/Orders");
  EXPECT_EQ(target("DELETE FROM Orders WHERE k = 'it''s'"), "table/Orders");
  EXPECT_EQ(target("DELETE\nFROM\tOrders"), "table/Orders");
}

TEST(Partiql, WhatIsNotCertainIsAnyTable) {
  for (const char* statement : {
           "",
           "SELECT",
           "SELECT * FROM",
           "SELECT * FROM Orders, Others",
           "SELECT * FROM Orders JOIN Others",
           "SELECT * FROM Orders AS o",
           "SELECT * FROM Orders WHERE EXISTS (SELECT * FROM Others)",
           "SELECT (SELECT * FROM Others) FROM Orders",
           "SELECT \"x\" -- FROM Orders\n FROM Others",
           "SELECT * /* FROM Orders */ FROM Others",
           "SELECT * FROM Orders; DELETE FROM Others",
           "SELECT * FROM `Orders`",
           "SELECT * FROM 'Orders'",
           "SELECT * FROM \"Orders",
           "SELECT * FROM \"Or\"\"ders\"",
           "SELECT * FROM \"arn:aws:dynamodb:us-east-1:210987654321:table/Orders\"",
           "SELECT * FROM \"*\"",
           "SELECT * FROM ab",
           "SELECT * FROM Orders.ByDay.More",
           "SELECT * FROM Orders.x",
           "SELECT * FROM Ordérs",
           "UPDATE Orders.ByDay SET a = 1",
           "UPDATE Orders",
           "UPDATE Orders WHERE a = 1",
           "UPDATE Orders SET a = (SELECT * FROM Others)",
           "INSERT Orders VALUE {}",
           "INSERT INTO Orders",
           "INSERT INTO Orders SELECT * FROM Others",
           "DELETE Orders WHERE a = 1",
           "DELETE FROM Orders, Others",
           "EXISTS(SELECT * FROM Orders WHERE k = 'a')",
           "DROP TABLE Orders",
       }) {
    EXPECT_EQ(target(statement), "*") << statement;
  }
}

}  // namespace
}  // namespace keyturn::aws
