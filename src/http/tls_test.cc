// TLS on both sides, with certificates made here.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <thread>

#include "http/stream.h"
#include "http/test_support.h"

namespace keyturn::http {
namespace {

using namespace std::chrono_literals;

template <auto function>
struct Free {
  template <class T>
  void operator()(T* object) const {
    function(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using File = std::unique_ptr<std::FILE, Free<std::fclose>>;

enum class Age { kValid, kExpired };

// A self-signed certificate for `names` (subjectAltName syntax), written to two PEM files.
class Identity {
 public:
  Identity(const std::string& name, const std::string& names, Age age = Age::kValid)
      : files_{testing::TempDir() + "keyturn_http_" + name + ".pem",
               testing::TempDir() + "keyturn_http_" + name + ".key"} {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    const long end = age == Age::kValid ? 3600 : -3600;
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), end);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
    X509_add_ext(certificate.get(), extension, -1);
    X509_EXTENSION_free(extension);
    EXPECT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
    const File pem(std::fopen(files_.certificate_chain.c_str(), "w"));
    PEM_write_X509(pem.get(), certificate.get());
    const File key_pem(std::fopen(files_.private_key.c_str(), "w"));
    PEM_write_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  }
  ~Identity() {
    std::remove(files_.certificate_chain.c_str());
    std::remove(files_.private_key.c_str());
  }
  const TlsFiles& files() const { return files_; }

 private:
  TlsFiles files_;
};

ServerOptions with_tls(const Identity& identity) {
  ServerOptions options;
  options.tls = identity.files();
  return options;
}

std::unique_ptr<Client> client_trusting(TestServer& server, const Identity& identity) {
  ClientOptions options;
  options.ca_file = identity.files().certificate_chain;
  return Client::create(*server.loops, options, server.log).value();
}

Result<Answer> get(TestServer& server, Client& client, const std::string& host,
                   ClientFailure* failure = nullptr) {
  const Origin origin{"https", host, server.port()};
  return ask_on(*server.loops, client, origin, RequestHead{"GET", "/a", {}}, "", failure);
}

TEST(Tls, CarriesRequestsBetweenClientAndServer) {
  const Identity identity("good", "DNS:localhost,IP:127.0.0.1");
  TestServer server(echo, with_tls(identity));
  const auto client = client_trusting(server, identity);
  for (const char* host : {"localhost", "127.0.0.1"}) {
    for (int i = 0; i < 3; ++i) {
      const auto answer = get(server, *client, host);
      ASSERT_TRUE(answer.has_value()) << answer.error().message;
      EXPECT_EQ(answer->body, "GET /a 0 ");
    }
  }
  server.server->drain(1s);
  EXPECT_NE(server.metrics.render().find("keyturn_http_connections_total 2"), std::string::npos);
}

TEST(Tls, CarriesLargeBodies) {
  const Identity identity("large", "IP:127.0.0.1");
  TestServer server(echo, with_tls(identity));
  const auto client = client_trusting(server, identity);
  const std::string body(5'000'000, 'x');
  const Origin origin{"https", "127.0.0.1", server.port()};
  const auto answer = ask_on(*server.loops, *client, origin, RequestHead{"PUT", "/a", {}}, body);
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->body, "PUT /a 5000000 " + body);
}

void expect_refused(TestServer& server, Client& client, const std::string& host) {
  ClientFailure failure;
  failure.sent = Sent::kMaybe;
  const auto answer = get(server, client, host, &failure);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
  EXPECT_NE(answer.error().message.find("certificate"), std::string::npos)
      << answer.error().message;
  EXPECT_EQ(failure.sent, Sent::kNo);
}

TEST(Tls, RefusesACertificateForAnotherName) {
  const Identity identity("other", "DNS:other.example");
  TestServer server(echo, with_tls(identity));
  const auto client = client_trusting(server, identity);
  expect_refused(server, *client, "localhost");
  expect_refused(server, *client, "127.0.0.1");
}

TEST(Tls, RefusesACertificateThatNobodyTrusts) {
  const Identity identity("untrusted", "DNS:localhost");
  const Identity trusted("trusted", "DNS:localhost");
  TestServer server(echo, with_tls(identity));
  const auto client = client_trusting(server, trusted);
  expect_refused(server, *client, "localhost");
}

TEST(Tls, RefusesAnExpiredCertificate) {
  const Identity identity("expired", "DNS:localhost", Age::kExpired);
  TestServer server(echo, with_tls(identity));
  const auto client = client_trusting(server, identity);
  expect_refused(server, *client, "localhost");
}

TEST(Tls, RefusesAPlainServer) {
  const Identity identity("plain", "DNS:localhost");
  TestServer server(echo);
  const auto client = client_trusting(server, identity);
  ClientFailure failure;
  EXPECT_EQ(get(server, *client, "localhost", &failure).error().code, Code::kUnavailable);
  EXPECT_EQ(failure.sent, Sent::kNo);
}

TEST(Tls, GivesUpOnAServerThatNeverShakesHands) {
  const Identity identity("silent", "DNS:localhost");
  MemoryLog log;
  auto loops = Loops::start(1, log).value();
  ClientOptions options;
  options.ca_file = identity.files().certificate_chain;
  options.connect_timeout = 100ms;
  auto client = Client::create(*loops, options, log).value();
  const RawListener silent;
  ClientFailure failure;
  const Origin origin{"https", "127.0.0.1", silent.port()};
  const auto answer = ask_on(*loops, *client, origin, RequestHead{"GET", "/", {}}, "", &failure);
  EXPECT_EQ(answer.error().code, Code::kTimeout);
  EXPECT_EQ(failure.sent, Sent::kNo);
  client.reset();
  loops->stop();
}

TEST(Tls, ServerEndsAHandshakeThatDoesNotCome) {
  const Identity identity("slow", "DNS:localhost");
  ServerOptions options = with_tls(identity);
  options.head_timeout = 100ms;
  TestServer server(echo, options);
  EXPECT_EQ(server.talk(""), "");
  EXPECT_EQ(server.talk("\x16\x03\x01"), "");
}

TEST(Tls, PlainRequestsGetNoAnswer) {
  const Identity identity("door", "DNS:localhost");
  TestServer server(echo, with_tls(identity));
  const std::string answer = server.talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(answer.find("HTTP/1.1"), std::string::npos);
}

// Whether a second handshake with the session of the first was shortened.
Task<bool> resumes(std::shared_ptr<TlsContext> context, std::uint16_t port) {
  const Endpoint endpoint(boost::asio::ip::address_v4::loopback(), port);
  const Executor executor = co_await boost::asio::this_coro::executor;
  TlsSession session;
  for (int i = 0; i < 2; ++i) {
    Socket socket(executor);
    Stream stream(std::move(socket));
    const Instant deadline = deadline_after(kPatience);
    CO_TRY_VOID(co_await stream.connect(endpoint, deadline));
    CO_TRY_VOID(co_await stream.connect_tls(*context, "localhost", session.get(), deadline));
    if (i == 1) co_return stream.resumed();
    const std::array<std::string_view, 1> request = {"GET / HTTP/1.1\r\nhost: a\r\n\r\n"};
    CO_TRY_VOID(co_await stream.write(request, deadline));
    std::vector<char> answer(1000);
    CO_TRY_VOID(co_await stream.read_some(answer, deadline));
    session = stream.session();
  }
  co_return false;
}

TEST(Tls, ResumesSessions) {
  const Identity identity("resume", "DNS:localhost");
  TestServer server(echo, with_tls(identity));
  const auto context = TlsContext::client(identity.files().certificate_chain).value();
  const Result<bool> resumed =
      run_on<bool>(*server.loops, 0, [&] { return resumes(context, server.port()); });
  ASSERT_TRUE(resumed.has_value()) << resumed.error().message;
  EXPECT_TRUE(*resumed);
}

class Rest final : public Exchange::Parked {
 public:
  Task<> resume(Exchange& exchange, Exchange::Woken woken) override {
    ResponseHead head;
    std::string text = woken == Exchange::Woken::kEvent ? "event" : "other";
    co_return co_await exchange.respond(std::move(head), std::move(text));
  }
};

Task<> hold(Exchange& exchange) {
  exchange.park(kPatience, std::make_unique<Rest>());
  co_return Result<void>();
}

TEST(Tls, HeldRequestsAreAnsweredOnDrain) {
  const Identity identity("held", "IP:127.0.0.1");
  TestServer server(hold, with_tls(identity));
  const auto client = client_trusting(server, identity);
  std::thread draining([&] {
    while (server.metrics.render().find("keyturn_http_held_requests 1") == std::string::npos) {
      std::this_thread::yield();
    }
    server.server->drain(kPatience);
  });
  const auto answer = get(server, *client, "127.0.0.1");
  draining.join();
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->body, "event");
}

TEST(Tls, NamesTheFileThatIsWrong) {
  const Identity one("one", "DNS:localhost");
  const Identity two("two", "DNS:localhost");
  EXPECT_NE(TlsContext::server({"/nonexistent.pem", one.files().private_key})
                .error()
                .message.find("/nonexistent.pem"),
            std::string::npos);
  EXPECT_EQ(
      TlsContext::server({one.files().certificate_chain, two.files().private_key}).error().code,
      Code::kInvalid);
  EXPECT_EQ(TlsContext::client("/nonexistent.pem").error().code, Code::kInvalid);
}

}  // namespace
}  // namespace keyturn::http
