#include "ledger/witness.h"

#include <gmock/gmock.h>

#include <charconv>

#include "ledger/published_log_test.h"
#include "ledger/tree.h"

namespace keyturn::ledger {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A witness as c2sp.org/tlog-witness has it, in memory.
class Witness {
 public:
  Witness(std::string name, unsigned char seed, VerifierKey log)
      : key_(crypto::Ed25519Key::from_seed(std::string(32, static_cast<char>(seed))).value()),
        verifier_(
            VerifierKey::create(name, KeyType::kEd25519Cosignature, key_.public_key()).value()),
        log_(std::move(log)) {}
  const VerifierKey& verifier() const { return verifier_; }
  Tree latest() const { return latest_; }
  int requests = 0;
  bool away = false;
  bool lies = false;  // signs another text

  Result<Witnesses::Answer> answer(const std::string& body) {
    ++requests;
    if (away) return fail(Code::kUnavailable, "nobody there");
    std::uint64_t older = 0;
    std::from_chars(body.data() + 4, body.data() + body.find('\n'), older);
    const std::size_t blank = body.find("\n\n");
    Proof proof;
    for (std::size_t at = body.find('\n') + 1; at < blank + 1;) {
      const std::size_t end = body.find('\n', at);
      proof.push_back(Digest::from_bytes(base64_decode(body.substr(at, end - at)).value()).value());
      at = end + 1;
    }
    const std::string note = body.substr(blank + 2);
    const auto checkpoint = read_checkpoint(note, log_, "it");
    if (!checkpoint) return Witnesses::Answer{403, ""};
    if (older > checkpoint->size) return Witnesses::Answer{400, ""};
    if (older != latest_.size) return Witnesses::Answer{409, fmt::format("{}\n", latest_.size)};
    const Tree newer{checkpoint->size, checkpoint->root};
    const Tree before = latest_.size == 0 ? Tree{0, RightEdge().root()} : latest_;
    if (!verify_consistency(before, newer, proof)) return Witnesses::Answer{422, ""};
    latest_ = newer;
    const std::string text = lies ? "other\n1\nx\n" : Note::parse(note).value().text;
    return Witnesses::Answer{
        200, cosign_note(text, verifier_, key_, Time(std::chrono::seconds(1'763'856'000))).value()};
  }

 private:
  crypto::Ed25519Key key_;
  VerifierKey verifier_;
  VerifierKey log_;
  Tree latest_;
};

class WitnessTest : public PublishedLog {
 protected:
  WitnessTest() {
    for (int i = 0; i < 3; ++i) {
      all_.push_back(std::make_unique<Witness>(
          fmt::format("w{}.example", i), static_cast<unsigned char>(i + 1), key().verifier()));
    }
  }
  TrustPolicy policy() const {
    std::string text = fmt::format("log {}\n", key().verifier().text());
    for (std::size_t i = 0; i < all_.size(); ++i) {
      text += fmt::format("witness w{} {} http://w{}\n", i, all_[i]->verifier().text(), i);
    }
    return TrustPolicy::parse(text + "group two 2 w0 w1 w2\nquorum two\n").value();
  }
  Witnesses witnesses() {
    return Witnesses(*publisher_, policy(),
                     [this](const std::string& url, const std::string& body) {
                       return all_.at(static_cast<std::size_t>(url[8] - '0'))->answer(body);
                     });
  }
  std::vector<std::unique_ptr<Witness>> all_;
};

TEST_F(WitnessTest, AQuorumsCosignaturesArePublished) {
  append_and_publish(300);
  Witnesses asking = witnesses();
  const auto round = asking.ask().value();
  EXPECT_TRUE(round.met);
  EXPECT_TRUE(round.faults.empty()) << round.faults.front();
  EXPECT_EQ(bytes_of(kCheckpointFile), bytes_of(kWitnessedFile));
  EXPECT_EQ(find_witnesses(bytes_of(kCheckpointFile), policy()).value().size(), 3U);
  EXPECT_TRUE(check()) << check().error().message;
  // Nobody is asked twice about one checkpoint.
  EXPECT_TRUE(asking.ask().value().met);
  EXPECT_EQ(all_[0]->requests, 1);
  append_and_publish(500);
  EXPECT_EQ(bytes_of(kCheckpointFile).find("w0.example"), std::string::npos);
  EXPECT_TRUE(asking.ask().value().met);
  EXPECT_EQ(all_[0]->latest().size, 800U);
  EXPECT_EQ(all_[0]->requests, 2) << "the size was known";
}

TEST_F(WitnessTest, AfterARestartTheSizeIsLearnedFromTheWitness) {
  append_and_publish(10);
  EXPECT_TRUE(witnesses().ask().value().met);
  append_and_publish(290);
  Witnesses asking = witnesses();
  EXPECT_TRUE(asking.ask().value().met);
  EXPECT_EQ(all_[0]->requests, 3) << "409 once";
  EXPECT_EQ(all_[0]->latest().size, 300U);
}

TEST_F(WitnessTest, ACosignedCheckpointSurvivesARestart) {
  append_and_publish(10);
  EXPECT_TRUE(witnesses().ask().value().met);
  ASSERT_TRUE(open_publisher());
  EXPECT_TRUE(witnesses().ask().value().met);
  EXPECT_EQ(all_[0]->requests, 1);
}

TEST_F(WitnessTest, OneThatIsAwayIsNamedAndTheQuorumStillHolds) {
  append_and_publish(10);
  all_[1]->away = true;
  const auto round = witnesses().ask().value();
  EXPECT_TRUE(round.met);
  EXPECT_FALSE(round.contradicted);
  EXPECT_THAT(round.faults, ElementsAre("witness `w1`: nobody there"));
}

TEST_F(WitnessTest, WithoutAQuorumTheCheckpointStaysUncosigned) {
  append_and_publish(10);
  const std::string before = bytes_of(kCheckpointFile);
  all_[1]->away = true;
  all_[2]->away = true;
  Witnesses asking = witnesses();
  EXPECT_FALSE(asking.ask().value().met);
  EXPECT_EQ(bytes_of(kCheckpointFile), before);
  EXPECT_FALSE(std::filesystem::exists(path(kWitnessedFile)));
  all_[1]->away = false;
  EXPECT_TRUE(asking.ask().value().met) << "and w0 is asked again";
}

TEST_F(WitnessTest, ALyingWitnessCountsForNothing) {
  append_and_publish(10);
  all_[0]->lies = true;
  all_[1]->away = true;
  const auto round = witnesses().ask().value();
  EXPECT_FALSE(round.met);
  ASSERT_EQ(round.faults.size(), 2U);
  EXPECT_THAT(round.faults[0], HasSubstr("witness `w0`: its cosignature: "));
}

TEST_F(WitnessTest, ACheckpointThatWentBackIsContradicted) {
  append_and_publish(10);
  std::filesystem::copy(root_ + "/ledger", root_ + "/before",
                        std::filesystem::copy_options::recursive);
  append_and_publish(10);
  EXPECT_TRUE(witnesses().ask().value().met);
  std::filesystem::remove_all(root_ + "/ledger");
  std::filesystem::rename(root_ + "/before", root_ + "/ledger");
  ASSERT_TRUE(open_publisher());
  const auto round = witnesses().ask().value();
  EXPECT_FALSE(round.met);
  EXPECT_TRUE(round.contradicted);
  EXPECT_THAT(round.faults[0], HasSubstr("our checkpoint went back"));
}

TEST_F(WitnessTest, ASecondLogUnderOneNameIsContradicted) {
  append_and_publish(10);
  EXPECT_TRUE(witnesses().ask().value().met);
  publisher_.reset();
  ledger_.reset();
  store_.reset();
  std::filesystem::remove_all(root_ + "/ledger");
  for (const char* name : {"keyturn.db", "keyturn.db-wal", "keyturn.db-shm"}) {
    std::filesystem::remove(root_ + "/" + name);
  }
  open_store();
  append_and_publish(30);  // other entries, the same key
  const auto round = witnesses().ask().value();
  EXPECT_FALSE(round.met);
  EXPECT_TRUE(round.contradicted);
  EXPECT_THAT(round.faults[0], HasSubstr("another history"));
}

TEST_F(WitnessTest, HostileAnswersAreRefused) {
  append_and_publish(10);
  const std::vector<Witnesses::Answer> answers = {{200, ""},
                                                  {200, "\n\n"},
                                                  {200, std::string(100'000, 'x')},
                                                  {409, ""},
                                                  {409, "-1\n"},
                                                  {409, "99999999999999999999\n"},
                                                  {409, "18446744073709551615\n"},
                                                  {409, "3\n"},
                                                  {500, "no"},
                                                  {200, "\u2014 w0.example AAAAAA==\n"},
                                                  {301, ""},
                                                  {422, ""}};
  for (const auto& answer : answers) {
    Witnesses asking(*publisher_, policy(), [&](const std::string&, const std::string&) {
      return Result<Witnesses::Answer>(answer);
    });
    const auto round = asking.ask().value();
    EXPECT_FALSE(round.met) << answer.status << answer.body;
    EXPECT_EQ(round.faults.size(), 3U) << answer.status << answer.body;
  }
  EXPECT_TRUE(check());
}

TEST(TrustPolicyTest, GroupsNest) {
  const std::string w = "witness.example/w1+aa4a09d1+BOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
  const auto one = TrustPolicy::parse("# comment\nwitness a " + w + "\ngroup g any a\nquorum g\n");
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_TRUE(one->is_met({"a"}));
  EXPECT_FALSE(one->is_met({"b"}));
  EXPECT_FALSE(one->is_met({"g"})) << "a group's name is no witness";
  EXPECT_TRUE(TrustPolicy::parse("quorum none\n")->is_met({}));
}

TEST(TrustPolicyTest, FaultsNameTheLine) {
  const std::string w = "witness.example/w1+aa4a09d1+BOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
  const std::string log =
      "ledger.example/agents+7becfc2d+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
  const std::string a = "witness a " + w + "\n";
  for (const std::string& bad :
       {a + a, a + "witness b " + w, a + "group g 2 a", a + "group g 0 a", a + "group g -1 a",
        a + "group g any b", a + "group a any a", a + "group g all", std::string("quorum x"),
        std::string("quorum none\nquorum none"), std::string("witness none ") + w,
        std::string("wat"), "log " + w, "witness a " + log, a + "group g any a\ngroup h any a"}) {
    const auto read = TrustPolicy::parse("#\n" + bad + "\n");
    ASSERT_FALSE(read) << bad;
    EXPECT_THAT(read.error().message, HasSubstr("line ")) << bad;
  }
  EXPECT_FALSE(TrustPolicy::parse(""));
  EXPECT_FALSE(TrustPolicy::parse(a));
}

}  // namespace
}  // namespace keyturn::ledger
