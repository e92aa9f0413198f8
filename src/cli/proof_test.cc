#include "cli/proof.h"

#include "crypto/crypto.h"

namespace keyturn::cli {
namespace {

std::string text_of(std::uint64_t index) {
  return fmt::format(R"({{"body":{{}},"index":{},"kind":"test","time":"t","v":1}})", index);
}

Json entry_of(std::uint64_t index) {
  const std::string text = text_of(index);
  return Json::object({{"index", index},
                       {"kind", "test"},
                       {"text", text},
                       {"leaf", crypto::sha256(std::string(1, '\0') + text).hex()}});
}

// The roots that docs/format/ledger.md pins.
TEST(Proof, HashesTheTreeAsTheFormatSays) {
  TreeHash tree;
  EXPECT_EQ(tree.root().hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const auto add = [&](int number) {
    tree.add(fmt::format(R"({{"seq":{},"action":"tool.call","verdict":"{}"}})", number,
                         number % 7 == 0 ? "hold" : "allow"));
  };
  for (int i = 0; i < 3; ++i) add(i);
  EXPECT_EQ(base64_encode(tree.root().view()), "30P6Pu91fp9qm+MNx70UxdjsUFzeM0lruVi1JiFH6Mg=");
  for (int i = 3; i < 5; ++i) add(i);
  EXPECT_EQ(base64_encode(tree.root().view()), "36k560WMvebvZRKYfeu8le4fL/DlQ3N0oS1YbVu0rRA=");
  for (int i = 5; i < 70'000; ++i) add(i);
  EXPECT_EQ(base64_encode(tree.root().view()), "+70MIgeLmhOT6NbBxcHG5OCx/Z9lG2bDxS49PGYNpbo=");
}

TEST(Proof, AnEntryMustBeWhatItSays) {
  EXPECT_EQ(*check_entry(entry_of(4), 4), text_of(4));
  EXPECT_EQ(check_entry(entry_of(4), 5).error().message,
            "ledger entry 5: it is missing or out of order");
  Json altered = entry_of(4);
  altered.set("text", text_of(4) + " ");
  EXPECT_EQ(check_entry(altered, 4).error().message,
            "ledger entry 4: its text is not what its leaf hash says");
  Json moved = entry_of(3);
  moved.set("index", 4);
  EXPECT_EQ(check_entry(moved, 4).error().message,
            "ledger entry 4: its text was written under another index");
  Json renamed = entry_of(4);
  renamed.set("kind", "harmless");
  EXPECT_EQ(check_entry(renamed, 4).error().message,
            "ledger entry 4: it is listed under another kind than its text says");
  EXPECT_FALSE(check_entry(Json(), 0));
}

TEST(Proof, ANotedHeadIsReadBack) {
  const std::string root(64, 'a');
  EXPECT_EQ(parse_head("12:" + root)->size, 12U);
  EXPECT_EQ(parse_head("12:" + root)->root.hex(), root);
  for (const char* text : {"", ":", "12", "12:", "x:aa", "-1:aa", "12:zz"}) {
    EXPECT_FALSE(parse_head(text)) << text;
  }
}

}  // namespace
}  // namespace keyturn::cli
