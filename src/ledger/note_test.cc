#include "ledger/note.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace keyturn::ledger {
namespace {

// docs/format/ledger.md, "Test vectors".
constexpr std::string_view kLogKey =
    "ledger.example/agents+7becfc2d+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
constexpr std::string_view kWitnessKey =
    "witness.example/w1+aa4a09d1+BOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
constexpr std::string_view kText =
    "ledger.example/agents\n5\n36k560WMvebvZRKYfeu8le4fL/DlQ3N0oS1YbVu0rRA=\n";
constexpr std::string_view kLogLine =
    "— ledger.example/agents "
    "e+z8Lb7SsULDNskfYe86F+krKBTSrJlF1ST4T3PVJ+N24uxdiSLZ1zBHIhguVEJk5/Nh7NEQAdhV0RHh/"
    "+6KSm8H3AI=\n";
constexpr std::string_view kWitnessLine =
    "— witness.example/w1 "
    "qkoJ0QAAAABpIk6AezI7gYg6ScroYMLMYfPAI7andgKOM4iKCDRIWYKcSz7ah9xN1CJdkR36emd3l7/"
    "b9kGtczgG6OsChsU4826jBQ==\n";

std::string sample_note() { return fmt::format("{}\n{}{}", kText, kLogLine, kWitnessLine); }
crypto::Ed25519Key log_secret() {
  std::string seed;
  for (char c = 0; c < 32; ++c) seed.push_back(c);
  return crypto::Ed25519Key::from_seed(seed).value();
}
crypto::Ed25519Key witness_secret() {
  return crypto::Ed25519Key::from_seed(std::string(32, '\x07')).value();
}
VerifierKey log_key() { return VerifierKey::parse(kLogKey).value(); }
VerifierKey witness_key() { return VerifierKey::parse(kWitnessKey).value(); }

TEST(VerifierKey, IsWrittenAndReadAsThePublishedVectors) {
  EXPECT_EQ(
      VerifierKey::create("ledger.example/agents", KeyType::kEd25519, log_secret().public_key())
          .value()
          .text(),
      kLogKey);
  EXPECT_EQ(VerifierKey::create("witness.example/w1", KeyType::kEd25519Cosignature,
                                witness_secret().public_key())
                .value()
                .text(),
            kWitnessKey);
  EXPECT_EQ(log_key().text(), kLogKey);
  EXPECT_EQ(witness_key().type, KeyType::kEd25519Cosignature);
  // From the signed-note specification.
  EXPECT_EQ(
      VerifierKey::parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
          .value()
          .name,
      "example.com/foo");
}

TEST(VerifierKey, IsRefusedWithAnythingWrong) {
  const std::string key(kLogKey);
  for (const std::string& bad :
       {std::string(), std::string("name"), std::string("name+7becfc2d"), key + "A",
        key.substr(0, key.size() - 4), "x" + key, " " + key, "a b" + key.substr(21), key.substr(21),
        std::string("ledger.example/agents+7BECFC2D") + key.substr(30),
        std::string("ledger.example/agents+7becfc2e") + key.substr(30),
        std::string("ledger.example/agents+7becfc2d+BgOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"),
        std::string("a\u00a0b+7becfc2d") + key.substr(30)}) {
    EXPECT_EQ(VerifierKey::parse(bad).error().code, Code::kInvalid) << bad;
  }
  EXPECT_FALSE(VerifierKey::create("", KeyType::kEd25519, std::string(32, 'x')));
  EXPECT_FALSE(VerifierKey::create("a+b", KeyType::kEd25519, std::string(32, 'x')));
  EXPECT_FALSE(VerifierKey::create("a\u3000b", KeyType::kEd25519, std::string(32, 'x')));
  EXPECT_FALSE(VerifierKey::create("\xff", KeyType::kEd25519, std::string(32, 'x')));
  EXPECT_FALSE(VerifierKey::create("a", KeyType::kEd25519, std::string(31, 'x')));
}

TEST(Note, IsSignedAndCosignedAsThePublishedVectors) {
  EXPECT_EQ(sign_note(kText, log_key(), log_secret()).value(), kLogLine);
  EXPECT_EQ(
      cosign_note(kText, witness_key(), witness_secret(), Time(std::chrono::seconds(1'763'856'000)))
          .value(),
      kWitnessLine);
}

TEST(Note, IsVerifiedForTheKeysThatAreKnown) {
  const Note note = Note::parse(sample_note()).value();
  EXPECT_EQ(note.text, kText);
  ASSERT_EQ(note.signatures.size(), 2U);
  const auto both = verify_note(note, {witness_key(), log_key()}).value();
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].key, log_key());
  EXPECT_EQ(both[0].time, std::nullopt);
  EXPECT_EQ(both[1].key, witness_key());
  EXPECT_EQ(both[1].time, Time(std::chrono::seconds(1'763'856'000)));
  EXPECT_EQ(verify_note(note, {log_key()}).value().size(), 1U);
  EXPECT_EQ(verify_note(note, {}).error().code, Code::kDenied);
}

TEST(Note, ByAKnownKeyWithAWrongSignatureIsRefusedWhateverOthersSay) {
  Note note = Note::parse(sample_note()).value();
  for (Note::Signature& signature : note.signatures) {
    const std::string right = signature.bytes;
    for (std::size_t i = 0; i < right.size(); ++i) {
      signature.bytes[i] = static_cast<char>(right[i] ^ 1);
      EXPECT_EQ(verify_note(note, {log_key(), witness_key()}).error().code, Code::kCorrupt) << i;
      signature.bytes = right;
    }
    signature.bytes.pop_back();
    EXPECT_EQ(verify_note(note, {log_key(), witness_key()}).error().code, Code::kCorrupt);
    signature.bytes = right;
  }
  note.text[0] = 'L';
  EXPECT_EQ(verify_note(note, {log_key()}).error().code, Code::kCorrupt);
}

TEST(Note, CountsASignatureThatIsGivenTwiceOnce) {
  const std::string twice = sample_note() + std::string(kWitnessLine);
  const Note note = Note::parse(twice).value();
  EXPECT_EQ(verify_note(note, {log_key(), witness_key()}).value().size(), 2U);
}

TEST(Note, SignaturesOfUnknownKeysAreIgnored) {
  const auto stranger =
      VerifierKey::create("ledger.example/agents", KeyType::kEd25519, witness_secret().public_key())
          .value();
  const Note note = Note::parse(sample_note()).value();
  // The same name with another key is another key.
  EXPECT_EQ(verify_note(note, {stranger}).error().code, Code::kDenied);
  EXPECT_EQ(verify_note(note, {stranger, log_key()}).value().size(), 1U);
}

TEST(Note, MayHaveBlankLinesInItsText) {
  const std::string text = "one\n\n— two lines\n\n\n";
  const std::string line = sign_note(text, log_key(), log_secret()).value();
  const Note note = Note::parse(text + "\n" + line).value();
  EXPECT_EQ(note.text, text);
  EXPECT_TRUE(verify_note(note, {log_key()}));
}

TEST(Note, ThatIsMalformedIsRefused) {
  const std::string text(kText);
  const std::string line(kLogLine);
  for (const std::string& bad :
       {std::string(), std::string("\n"), std::string("\n\n"), text, text + "\n", text + line,
        text + "\n" + line.substr(0, line.size() - 1), text + "\n" + line + "\n",
        text + "\n" + line + "more\n", text + "\n- name AAAAAAA=\n", text + "\n— name\n",
        text + "\n— name AAAA\n", text + "\n— na+me AAAAAAA=\n", text + "\n—  AAAAAAA=\n",
        text + "\n— name AAAAAAA\n", "\t" + text + "\n" + line, "\xff" + text + "\n" + line,
        text + "\r\n" + line, std::string("a\0b\n\n", 5) + line}) {
    EXPECT_EQ(Note::parse(bad).error().code, Code::kInvalid) << bad;
  }
  for (const char* bad : {"", "no newline", "tab\t\n", "\xc0\n"}) {
    EXPECT_EQ(sign_note(bad, log_key(), log_secret()).error().code, Code::kInvalid) << bad;
  }
}

TEST(Note, HasLimits) {
  std::string note = std::string(kText) + "\n";
  for (std::size_t i = 0; i < Note::kSignaturesMax; ++i) note += kLogLine;
  EXPECT_TRUE(Note::parse(note));
  EXPECT_EQ(Note::parse(note + std::string(kLogLine)).error().code, Code::kExhausted);
  EXPECT_EQ(Note::parse(std::string(Note::kBytesMax + 1, 'x')).error().code, Code::kExhausted);
}

TEST(Note, SurvivesRandomDamageWithoutVerifying) {
  SeededRandom random(61);
  const std::string right = sample_note();
  const std::size_t text_end = kText.size();
  for (int round = 0; round < 3'000; ++round) {
    std::string note = right;
    const std::string bytes = random.bytes(3);
    const std::size_t at =
        (static_cast<unsigned char>(bytes[0]) * 256U + static_cast<unsigned char>(bytes[1])) %
        text_end;
    if (note[at] == bytes[2]) continue;
    note[at] = bytes[2];
    const auto parsed = Note::parse(note);
    if (parsed) {
      EXPECT_FALSE(verify_note(*parsed, {log_key(), witness_key()})) << at;
    }
  }
}

TEST(Checkpoint, IsWrittenAndReadAsThePublishedVector) {
  const Checkpoint checkpoint = Checkpoint::parse(kText).value();
  EXPECT_EQ(checkpoint.origin, "ledger.example/agents");
  EXPECT_EQ(checkpoint.size, 5U);
  EXPECT_EQ(base64_encode(checkpoint.root.view()), "36k560WMvebvZRKYfeu8le4fL/DlQ3N0oS1YbVu0rRA=");
  EXPECT_EQ(checkpoint.text(), kText);
  EXPECT_TRUE(Checkpoint::parse(std::string(kText) + "an extension\n"));
}

TEST(Checkpoint, ThatIsMalformedIsRefused) {
  const std::string root = "36k560WMvebvZRKYfeu8le4fL/DlQ3N0oS1YbVu0rRA=\n";
  for (const std::string& bad :
       {std::string(), std::string("o\n5\n"), "o\n5\n" + root.substr(0, 44), "\n5\n" + root,
        "o o\n5\n" + root, "o+o\n5\n" + root, "o\n05\n" + root, "o\n+5\n" + root, "o\n-5\n" + root,
        "o\n\n" + root, "o\n5 \n" + root, "o\n0x5\n" + root, "o\n18446744073709551616\n" + root,
        std::string("o\n5\nAAAA\n"), "o\n5\n" + root + "\n", "o\n5\n" + root + "unfinished"}) {
    EXPECT_EQ(Checkpoint::parse(bad).error().code, Code::kInvalid) << bad;
  }
  EXPECT_EQ(Checkpoint::parse("o\n0\n" + root).value().size, 0U);
  EXPECT_EQ(Checkpoint::parse("o\n18446744073709551615\n" + root).value().size, UINT64_MAX);
}

}  // namespace
}  // namespace keyturn::ledger
