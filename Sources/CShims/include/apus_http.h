// Doors to libmicrohttpd and libcurl where they speak in variadic calls. The HTTP target owns the meaning.
#ifndef APUS_HTTP_H
#define APUS_HTTP_H

#include <curl/curl.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <microhttpd.h>

static inline CURLcode apus_curl_set_long(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode apus_curl_set_offset(CURL *handle, CURLoption option, int64_t value) {
  return curl_easy_setopt(handle, option, (curl_off_t)value);
}
static inline CURLcode apus_curl_set_pointer(CURL *handle, CURLoption option, const void *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode apus_curl_get_long(CURL *handle, CURLINFO info, long *value) {
  return curl_easy_getinfo(handle, info, value);
}
static inline CURLcode apus_curl_get_offset(CURL *handle, CURLINFO info, int64_t *value) {
  curl_off_t number = 0;
  CURLcode code = curl_easy_getinfo(handle, info, &number);
  *value = number;
  return code;
}
// NULL when unknown; valid as long as the handle is not used.
static inline const char *apus_curl_get_text(CURL *handle, CURLINFO info) {
  char *text = NULL;
  return curl_easy_getinfo(handle, info, &text) == CURLE_OK ? text : NULL;
}
static inline CURLMcode apus_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
  return curl_multi_setopt(multi, option, value);
}
static inline CURLcode apus_curl_set_write(
  CURL *handle, size_t (*write)(char *bytes, size_t size, size_t count, void *context), void *context) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, write);
  return code != CURLE_OK ? code : curl_easy_setopt(handle, CURLOPT_WRITEDATA, context);
}
static inline CURLcode apus_curl_set_header(
  CURL *handle, size_t (*header)(char *bytes, size_t size, size_t count, void *context), void *context) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, header);
  return code != CURLE_OK ? code : curl_easy_setopt(handle, CURLOPT_HEADERDATA, context);
}
static inline CURLcode apus_curl_set_progress(
  CURL *handle,
  int (*progress)(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up),
  void *context) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, progress);
  if (code == CURLE_OK) code = curl_easy_setopt(handle, CURLOPT_XFERINFODATA, context);
  return code != CURLE_OK ? code : curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
}

// `open` makes the sockets of a handle.
static inline CURLcode apus_curl_set_open(
  CURL *handle, curl_socket_t (*open)(void *context, curlsocktype purpose, struct curl_sockaddr *address),
  void *context) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open);
  return code != CURLE_OK ? code : curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, context);
}

// Everything a daemon is started with; the strings and `context` must outlive it. The daemon does not listen: it is
// given connections (MHD_add_connection).
struct apus_mhd_configuration {
  unsigned int thread_count;
  size_t connection_memory_bytes;
  unsigned int connections_per_thread_max;
  unsigned int idle_timeout_seconds;
  // Whether connections are encrypted; then `apus_tls_begin` is called for each, first of all.
  int is_encrypted;
  void *context;
  void *(*request_line)(void *context, const char *uri, struct MHD_Connection *connection);
  MHD_AccessHandlerCallback access;
  MHD_RequestCompletedCallback completed;
  MHD_NotifyConnectionCallback notify;
  void (*log)(void *context, const char *format, va_list arguments);
};

struct MHD_Daemon *apus_mhd_start(const struct apus_mhd_configuration *configuration);

// The poll event of a peer that closed its side.
extern const short apus_poll_peer_closed;

// Called with the target that the request-line callback was given, before the library parses it: hides the query from
// the library, which would keep a record of every parameter in the connection's memory, fail when that is full, and
// then neither answer nor close. `query` is the place of the first byte behind the question mark.
void apus_mhd_hide_query(const char *target, size_t query);
// The same for cookies: an empty one that the library finds first. False when the connection's memory is full.
int apus_mhd_hide_cookies(struct MHD_Connection *connection);
// The number of fields that `apus_mhd_hide_cookies` adds in front of the client's.
extern const int apus_mhd_hidden_fields;

// What the peer has taken: bytes it has acknowledged so far, and bytes that wait in the socket. 0 when unknown.
int apus_socket_progress(int socket, uint64_t *acknowledged_bytes, uint32_t *waiting_bytes);
// accept(2) and pipe(2) whose descriptors no child inherits; an accepted socket does not block.
int apus_accept(int listening, struct sockaddr *address, socklen_t *length);
int apus_pipe(int ends[2]);
// True when something was sent on it.
int apus_socket_has_sent(int socket);
// Bytes that have arrived and were not read.
int apus_socket_unread_bytes(int socket);

// The connection's socket; -1 when there is none.
int apus_mhd_socket(struct MHD_Connection *connection);
// What `notify` stored for the connection; NULL when nothing.
void *apus_mhd_context(struct MHD_Connection *connection);
// The peer's address; NULL when unknown.
const struct sockaddr *apus_mhd_peer(struct MHD_Connection *connection);
// Bytes of the request line and the headers; 0 before they are complete.
size_t apus_mhd_header_bytes(struct MHD_Connection *connection);
// Has the connection's thread look at it again within a second, whatever happens on its socket. To be called on that
// thread; the connection's idle timeout is a second from then on.
enum MHD_Result apus_mhd_look_again_soon(struct MHD_Connection *connection);
// Lets the response be ended by the connection's end instead of a last chunk.
enum MHD_Result apus_mhd_set_unchunked(struct MHD_Response *response);

#endif
