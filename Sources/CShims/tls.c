#include "apus_tls.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { chain_max = 16, names_bytes_max = 16384 };

struct apus_tls_material {
  gnutls_pcert_st certificates[chain_max];
  unsigned certificate_count;
  gnutls_privkey_t key;
  gnutls_x509_trust_list_t authorities;
  gnutls_priority_t priorities;
  int asks;
  int verifies;
  char *names;
  size_t names_size;
};

struct apus_tls_session {
  apus_tls_material *material;
  int socket;
  // What became of the handshake.
  int has_bytes, is_plain, is_refused, is_done;
  char *names;
  size_t names_size;
};

static gnutls_datum_t datum(const char *text, size_t size) {
  return (gnutls_datum_t){(unsigned char *)text, (unsigned)size};
}

void apus_tls_free(apus_tls_material *m) {
  if (m == NULL) return;
  for (unsigned i = 0; i < m->certificate_count; i++) gnutls_pcert_deinit(&m->certificates[i]);
  if (m->key != NULL) gnutls_privkey_deinit(m->key);
  if (m->authorities != NULL) gnutls_x509_trust_list_deinit(m->authorities, 1);
  if (m->priorities != NULL) gnutls_priority_deinit(m->priorities);
  free(m->names);
  free(m);
}

static apus_tls_material *refuse(apus_tls_material *m, const char *what, int code, char *error, size_t size) {
  snprintf(error, size, "%s: %s", what, gnutls_strerror(code));
  apus_tls_free(m);
  return NULL;
}

// Whether the key is that of the first certificate.
static int matches(gnutls_datum_t certificates, gnutls_datum_t key) {
  gnutls_certificate_credentials_t credentials;
  int code = gnutls_certificate_allocate_credentials(&credentials);
  if (code < 0) return code;
  code = gnutls_certificate_set_x509_key_mem2(credentials, &certificates, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
  gnutls_certificate_free_credentials(credentials);
  return code < 0 ? code : 0;
}

apus_tls_material *apus_tls_load(const struct apus_tls_source *s, char *error, size_t size) {
  apus_tls_material *m = calloc(1, sizeof *m);
  if (m == NULL) return NULL;
  gnutls_datum_t certificates = datum(s->certificates, s->certificates_size), key = datum(s->key, s->key_size);
  int code = matches(certificates, key);
  if (code < 0) return refuse(m, "the certificate or its key cannot be used", code, error, size);
  gnutls_x509_crt_t *list = NULL;
  unsigned count = 0;
  code = gnutls_x509_crt_list_import2(&list, &count, &certificates, GNUTLS_X509_FMT_PEM, 0);
  if (code < 0) return refuse(m, "the certificate cannot be read", code, error, size);
  if (count > chain_max) code = GNUTLS_E_CERTIFICATE_LIST_UNSORTED;
  for (unsigned i = 0; i < count && code >= 0; i++) {
    code = gnutls_pcert_import_x509(&m->certificates[i], list[i], 0);
    if (code >= 0) m->certificate_count++;
  }
  for (unsigned i = 0; i < count; i++) gnutls_x509_crt_deinit(list[i]);
  gnutls_free(list);
  if (code < 0 || count == 0) return refuse(m, "the chain of certificates cannot be used", code, error, size);
  if ((code = gnutls_privkey_init(&m->key)) >= 0)
    code = gnutls_privkey_import_x509_raw(m->key, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
  if (code < 0) return refuse(m, "the key cannot be read", code, error, size);
  if ((code = gnutls_x509_trust_list_init(&m->authorities, 0)) < 0)
    return refuse(m, "out of memory", code, error, size);
  if (s->authorities != NULL) {
    gnutls_datum_t authorities = datum(s->authorities, s->authorities_size);
    code = gnutls_x509_trust_list_add_trust_mem(m->authorities, &authorities, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
    if (code <= 0)
      return refuse(m, "the client authorities cannot be read", code < 0 ? code : GNUTLS_E_NO_CERTIFICATE_FOUND, error,
                    size);
  }
  const char *place = NULL;
  code = gnutls_priority_init(&m->priorities, s->priorities, &place);
  if (code < 0) return refuse(m, "the versions, ciphers or curves cannot be used", code, error, size);
  m->asks = s->asks, m->verifies = s->verifies;
  if (s->names != NULL) {
    m->names = malloc(s->names_size + 1);
    if (m->names == NULL) return refuse(m, "out of memory", GNUTLS_E_MEMORY_ERROR, error, size);
    memcpy(m->names, s->names, s->names_size);
    m->names_size = s->names_size;
  }
  return m;
}

static int is_among(const char *names, size_t size, const char *name) {
  for (size_t at = 0; at < size; at += strlen(names + at) + 1)
    if (strcmp(names + at, name) == 0) return 1;
  return 0;
}

// Appends the names of a certificate; those with a NUL inside are no names.
static void take_names(apus_tls_session *t, gnutls_x509_crt_t certificate) {
  t->names = malloc(names_bytes_max);
  if (t->names == NULL) return;
  for (unsigned i = 0; i < 1000; i++) {
    char name[1024];
    size_t size = sizeof name - 1;
    int kind = gnutls_x509_crt_get_subject_alt_name(certificate, i, name, &size, NULL);
    if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) break;
    if (kind == GNUTLS_SAN_IPADDRESS && (size == 4 || size == 16)) {
      char text[64];
      const unsigned char *b = (const unsigned char *)name;
      if (size == 4) {
        snprintf(text, sizeof text, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
      } else {
        gnutls_datum_t address = datum(name, size);
        (void)address;
        int at = 0;
        for (int word = 0; word < 8; word++)
          at += snprintf(text + at, sizeof text - (size_t)at, word == 0 ? "%x" : ":%x", b[2 * word] << 8 | b[2 * word + 1]);
      }
      size = strlen(text);
      memcpy(name, text, size);
    } else if (kind != GNUTLS_SAN_DNSNAME && kind != GNUTLS_SAN_RFC822NAME && kind != GNUTLS_SAN_URI) {
      continue;
    }
    if (memchr(name, 0, size) != NULL || t->names_size + size + 1 > names_bytes_max) continue;
    memcpy(t->names + t->names_size, name, size);
    t->names[t->names_size + size] = 0;
    t->names_size += size + 1;
  }
}

// Answers a client that speaks HTTP without TLS, as Go's server does, and takes what it has sent: unread bytes would end
// the connection before the answer is there.
static void answer_plain(int socket) {
  static const char text[] =
    "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
  (void)!send(socket, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  shutdown(socket, SHUT_WR);
  char rest[4096];
  for (int i = 0; i < 16 && recv(socket, rest, sizeof rest, MSG_DONTWAIT) > 0; i++) continue;
}

static ssize_t pull(gnutls_transport_ptr_t pointer, void *bytes, size_t size) {
  apus_tls_session *t = pointer;
  ssize_t count = recv(t->socket, bytes, size, 0);
  if (count <= 0 || t->has_bytes) return count;
  t->has_bytes = 1;
  char first = *(const char *)bytes;
  // A record of a handshake begins with 22, a method with a letter.
  if (first < 'A' || first > 'Z') return count;
  t->is_plain = 1;
  answer_plain(t->socket);
  return 0;
}

static int pull_timeout(gnutls_transport_ptr_t pointer, unsigned milliseconds) {
  struct pollfd wait = {((apus_tls_session *)pointer)->socket, POLLIN, 0};
  return poll(&wait, 1, milliseconds == GNUTLS_INDEFINITE_TIMEOUT ? -1 : (int)milliseconds);
}

static int finished(
  gnutls_session_t session, unsigned type, unsigned when, unsigned is_incoming, const gnutls_datum_t *message) {
  (void)type, (void)when, (void)message;
  apus_tls_session *t = gnutls_session_get_ptr(session);
  if (t != NULL && is_incoming) t->is_done = 1;
  return 0;
}

static int verify_peers(gnutls_session_t session);

// 0: the handshake goes on.
static int verify(gnutls_session_t session) {
  int result = verify_peers(session);
  apus_tls_session *t = gnutls_session_get_ptr(session);
  if (result != 0 && t != NULL) t->is_refused = 1;
  return result;
}

static int verify_peers(gnutls_session_t session) {
  apus_tls_session *t = gnutls_session_get_ptr(session);
  if (t == NULL || t->material == NULL) return -1;
  unsigned count = 0;
  const gnutls_datum_t *peers = gnutls_certificate_get_peers(session, &count);
  if (peers == NULL || count == 0) return t->material->asks == 2 ? -1 : 0;
  if (!t->material->verifies) return 0;
  if (count > chain_max) return -1;
  gnutls_x509_crt_t chain[chain_max];
  unsigned made = 0;
  int code = 0;
  for (; made < count && code >= 0; made++) {
    code = gnutls_x509_crt_init(&chain[made]);
    if (code < 0) break;
    code = gnutls_x509_crt_import(chain[made], &peers[made], GNUTLS_X509_FMT_DER);
  }
  unsigned status = ~0u;
  if (code >= 0) {
    gnutls_typed_vdata_st purpose = {GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT, 0};
    code = gnutls_x509_trust_list_verify_crt2(t->material->authorities, chain, count, &purpose, 1, 0, &status, NULL);
  }
  int result = code >= 0 && status == 0 ? 0 : -1;
  if (result == 0) {
    take_names(t, chain[0]);
    if (t->material->names != NULL) {
      int found = 0;
      for (size_t at = 0; at < t->names_size && !found; at += strlen(t->names + at) + 1)
        found = is_among(t->material->names, t->material->names_size, t->names + at);
      if (!found) result = -1;
    }
  }
  for (unsigned i = 0; i < made; i++) gnutls_x509_crt_deinit(chain[i]);
  return result;
}

apus_tls_session *apus_tls_begin(struct MHD_Connection *connection, apus_tls_material *material) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
  if (info == NULL || info->tls_session == NULL) return NULL;
  gnutls_session_t session = info->tls_session;
  apus_tls_session *t = calloc(1, sizeof *t);
  // The library has a use for this pointer with shared keys alone, which there are none of.
  gnutls_session_set_ptr(session, t);
  if (t == NULL) return NULL;
  info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info != NULL) {
    t->socket = info->connect_fd;
    gnutls_transport_ptr_t in, out;
    gnutls_transport_get_ptr2(session, &in, &out);
    gnutls_transport_set_ptr2(session, t, out);
    gnutls_transport_set_pull_function(session, pull);
    gnutls_transport_set_pull_timeout_function(session, pull_timeout);
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, finished);
  }
  t->material = material;
  if (material == NULL) return t;
  gnutls_priority_set(session, material->priorities);
  if (material->asks > 0) {
    gnutls_certificate_server_set_request(session, material->asks == 2 ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST);
    gnutls_session_set_verify_function(session, verify);
  }
  return t;
}

void apus_tls_end(apus_tls_session *t) {
  if (t == NULL) return;
  free(t->names);
  free(t);
}

enum apus_tls_outcome apus_tls_outcome(const apus_tls_session *t) {
  if (t == NULL || !t->has_bytes) return apus_tls_silent;
  if (t->is_done) return apus_tls_done;
  return t->is_plain ? apus_tls_plain : t->is_refused ? apus_tls_refused : apus_tls_failed;
}

const char *apus_tls_names(const apus_tls_session *t, size_t *size) {
  *size = t == NULL ? 0 : t->names_size;
  return t == NULL ? NULL : t->names;
}

static int certificate(
  gnutls_session_t session, const gnutls_datum_t *requested, int requested_count, const gnutls_pk_algorithm_t *algorithms,
  int algorithm_count, gnutls_pcert_st **certificates, unsigned *count, gnutls_privkey_t *key) {
  (void)requested, (void)requested_count, (void)algorithms, (void)algorithm_count;
  apus_tls_session *t = gnutls_session_get_ptr(session);
  if (t == NULL || t->material == NULL) return -1;
  *certificates = t->material->certificates;
  *count = t->material->certificate_count;
  *key = t->material->key;
  return 0;
}

void *apus_tls_certificate_callback(void) { return (void *)certificate; }
