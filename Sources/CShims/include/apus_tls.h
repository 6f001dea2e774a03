// TLS of the server: certificates, keys and authorities as GnuTLS wants them, and what each connection's handshake asks of
// its client. The HTTP target owns the meaning.
#ifndef APUS_TLS_H
#define APUS_TLS_H

#include <stddef.h>

#include <microhttpd.h>

typedef struct apus_tls_material apus_tls_material;

// The texts are PEM and need not end in NUL; `authorities` may be NULL.
struct apus_tls_source {
  const char *certificates;
  size_t certificates_size;
  const char *key;
  size_t key_size;
  const char *authorities;
  size_t authorities_size;
  const char *priorities;
  // 1: a client is asked for a certificate; 2: it must have one.
  int asks;
  // Whether a certificate has to come from one of the authorities.
  int verifies;
  // Names of which a verified certificate must have one, each ended by NUL; NULL: any.
  const char *names;
  size_t names_size;
};

// NULL with a text in `error` where they cannot be used.
apus_tls_material *apus_tls_load(const struct apus_tls_source *source, char *error, size_t error_size);
void apus_tls_free(apus_tls_material *material);

// One connection's share. `material` has to live as long; NULL: its handshake fails.
typedef struct apus_tls_session apus_tls_session;
apus_tls_session *apus_tls_begin(struct MHD_Connection *connection, apus_tls_material *material);
void apus_tls_end(apus_tls_session *session);

// What became of a handshake: the client has sent nothing; it is done; the client speaks HTTP without TLS; its certificate was
// refused; it failed otherwise, or did not come to its end.
enum apus_tls_outcome { apus_tls_silent, apus_tls_done, apus_tls_plain, apus_tls_refused, apus_tls_failed };
enum apus_tls_outcome apus_tls_outcome(const apus_tls_session *session);
// Names of the client's verified certificate, each ended by NUL; NULL and 0 where there is none.
const char *apus_tls_names(const apus_tls_session *session, size_t *size);

// For MHD_OPTION_HTTPS_CERT_CALLBACK.
void *apus_tls_certificate_callback(void);

#endif
