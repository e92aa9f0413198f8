#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace keyturn::http {
namespace {

// RFC 7301 wire form of "http/1.1", the only protocol spoken here.
constexpr std::array<unsigned char, 9> kProtocol = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned int in_size, void*) {
  for (unsigned int at = 0; at + 1 <= in_size; at += 1U + in[at]) {
    if (in[at] + at + 1U > in_size) break;
    const std::string_view name(reinterpret_cast<const char*>(in + at + 1), in[at]);
    if (name == "http/1.1") {
      *out = in + at + 1;
      *out_size = in[at];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// What both roles share; null when OpenSSL has no memory.
SSL_CTX* make_context(const SSL_METHOD* method) {
  SSL_CTX* context = SSL_CTX_new(method);
  if (context == nullptr) return nullptr;
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // A parked connection gives its record buffers back.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

}  // namespace

std::string tls_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "no detail";
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? fmt::format("error {:x}", code) : reason;
}

void FreeSession::operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

Result<std::shared_ptr<TlsContext>> TlsContext::server(const TlsFiles& files) {
  SSL_CTX* native = make_context(TLS_server_method());
  if (native == nullptr) return fail(Code::kInternal, "tls: {}", tls_error());
  auto context = std::make_shared<TlsContext>(native);
  if (SSL_CTX_use_certificate_chain_file(native, files.certificate_chain.c_str()) != 1) {
    return fail(Code::kInvalid, "`{}` is not a readable PEM certificate chain: {}",
                files.certificate_chain, tls_error());
  }
  if (SSL_CTX_use_PrivateKey_file(native, files.private_key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return fail(Code::kInvalid, "`{}` is not a readable PEM private key: {}", files.private_key,
                tls_error());
  }
  if (SSL_CTX_check_private_key(native) != 1) {
    return fail(Code::kInvalid, "the private key `{}` does not belong to the certificate `{}`",
                files.private_key, files.certificate_chain);
  }
  constexpr std::string_view kSessionContext = "keyturn";
  SSL_CTX_set_session_id_context(native,
                                 reinterpret_cast<const unsigned char*>(kSessionContext.data()),
                                 static_cast<unsigned int>(kSessionContext.size()));
  SSL_CTX_set_alpn_select_cb(native, select_protocol, nullptr);
  return context;
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(const std::string& ca_file) {
  SSL_CTX* native = make_context(TLS_client_method());
  if (native == nullptr) return fail(Code::kInternal, "tls: {}", tls_error());
  auto context = std::make_shared<TlsContext>(native);
  const int loaded = ca_file.empty()
                         ? SSL_CTX_set_default_verify_paths(native)
                         : SSL_CTX_load_verify_locations(native, ca_file.c_str(), nullptr);
  if (loaded != 1) {
    return fail(Code::kInvalid, "`{}` holds no readable PEM certificates: {}",
                ca_file.empty() ? "the system's certificate store" : ca_file, tls_error());
  }
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_alpn_protos(native, kProtocol.data(), kProtocol.size());
  return context;
}

}  // namespace keyturn::http
