#include "gate/sent.h"

#include "crypto/crypto.h"

namespace keyturn::gate {
namespace {

constexpr Duration kClocksApart = std::chrono::minutes(15);
constexpr std::size_t kInvocationBytesMax = 128;  // a UUID has 36

// Of any length and any bytes in a request; of no interest but for being the same.
std::string key_of(std::string_view signature) { return crypto::sha256(signature).hex(); }
std::string named(const Sending& sending) {
  return printable(sending.invocation, kInvocationBytesMax);
}

}  // namespace

Result<bool> was_sent(store::Transaction& transaction, const Sending& sending, Time now) {
  TRY(const store::Rows rows,
      transaction.query("SELECT invocation, peer, sent_at FROM gate_sent WHERE signature = ?1 "
                        "ORDER BY sent_at",
                        {key_of(sending.signature)}));
  if (rows.empty()) return false;
  const std::string invocation = named(sending);
  bool known = invocation.empty();
  for (const store::Row& row : rows) known = known || row.text(0) == invocation;
  const bool another = !known && rows.front().text(1) == sending.peer &&
                       now - from_micros(rows.front().integer(2)) <= kSameSignature &&
                       rows.size() < kInvocationsMax;
  return !another;
}

Result<void> remember_sent(store::Transaction& transaction, const Sending& sending,
                           std::uint64_t decided_index, Time now) {
  TRY_VOID(transaction.execute(
      "INSERT INTO gate_sent (decided_index, signature, invocation, peer, sent_at, valid_until) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
      {static_cast<std::int64_t>(decided_index), key_of(sending.signature), named(sending),
       sending.peer, to_micros(now), to_micros(sending.valid_until)}));
  return {};
}

Result<void> forget_sent(store::Transaction& transaction, std::uint64_t decided_index) {
  TRY_VOID(transaction.execute("DELETE FROM gate_sent WHERE decided_index = ?1",
                               {static_cast<std::int64_t>(decided_index)}));
  return {};
}

Result<void> sweep_sent(store::Transaction& transaction, Time now) {
  TRY_VOID(transaction.execute("DELETE FROM gate_sent WHERE valid_until < ?1",
                               {to_micros(now - kClocksApart)}));
  return {};
}

}  // namespace keyturn::gate
