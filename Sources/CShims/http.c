#define _GNU_SOURCE
#include "apus_http.h"
#include "apus_tls.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

const short apus_poll_peer_closed = POLLRDHUP;

// Paths are decoded by the server itself, strictly: the library leaves them as they came.
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text) {
  (void)context;
  (void)connection;
  size_t length = 0;
  while (text[length] != 0) length++;
  return length;
}

struct MHD_Daemon *apus_mhd_start(const struct apus_mhd_configuration *c) {
  unsigned int flags =
    MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_TURBO | MHD_USE_ERROR_LOG |
    MHD_USE_NO_LISTEN_SOCKET;
  struct MHD_OptionItem options[16];
  int count = 0;
#define OPTION(name, number, pointer) \
  options[count++] = (struct MHD_OptionItem){name, (intptr_t)(number), (void *)(pointer)}
  if (c->is_encrypted) {
    flags |= MHD_USE_TLS;
    OPTION(MHD_OPTION_HTTPS_CERT_CALLBACK, 0, apus_tls_certificate_callback());
  }
  // One thread is the daemon's own; the library refuses a pool of one.
  if (c->thread_count > 1) OPTION(MHD_OPTION_THREAD_POOL_SIZE, c->thread_count, NULL);
  OPTION(MHD_OPTION_CONNECTION_MEMORY_LIMIT, c->connection_memory_bytes, NULL);
  OPTION(MHD_OPTION_CONNECTION_MEMORY_INCREMENT, 8192, NULL);
  // The library divides the limit among its threads.
  OPTION(
    MHD_OPTION_CONNECTION_LIMIT, c->connections_per_thread_max * (c->thread_count > 1 ? c->thread_count : 1), NULL);
  OPTION(MHD_OPTION_CONNECTION_TIMEOUT, c->idle_timeout_seconds, NULL);
  OPTION(MHD_OPTION_UNESCAPE_CALLBACK, &leave_escaped, NULL);
  OPTION(MHD_OPTION_END, 0, NULL);
#undef OPTION
  return MHD_start_daemon(
    flags, 0, NULL, NULL, c->access, c->context, MHD_OPTION_EXTERNAL_LOGGER, c->log, c->context,
    MHD_OPTION_URI_LOG_CALLBACK, c->request_line, c->context, MHD_OPTION_NOTIFY_COMPLETED, c->completed, c->context,
    MHD_OPTION_NOTIFY_CONNECTION, c->notify, c->context, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

void apus_mhd_hide_query(const char *target, size_t query) {
  // The library's own buffer, which it is about to cut up in the same way.
  ((char *)target)[query] = 0;
}

const int apus_mhd_hidden_fields = 1;

int apus_mhd_hide_cookies(struct MHD_Connection *connection) {
  return MHD_set_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_COOKIE, "") == MHD_YES;
}

int apus_socket_progress(int socket, uint64_t *acknowledged_bytes, uint32_t *waiting_bytes) {
  struct tcp_info info = {0};
  socklen_t size = sizeof info;
  int waiting = 0;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || ioctl(socket, SIOCOUTQ, &waiting) != 0) return 0;
  *acknowledged_bytes = info.tcpi_bytes_acked;
  *waiting_bytes = waiting > 0 ? (uint32_t)waiting : 0;
  return 1;
}

int apus_accept(int listening, struct sockaddr *address, socklen_t *length) {
  return accept4(listening, address, length, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

int apus_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int apus_socket_has_sent(int socket) {
  struct tcp_info info = {0};
  socklen_t size = sizeof info;
  return getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_data_segs_out > 0;
}

int apus_socket_unread_bytes(int socket) {
  int unread = 0;
  return ioctl(socket, SIOCINQ, &unread) == 0 ? unread : 0;
}

int apus_mhd_socket(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info == NULL ? -1 : info->connect_fd;
}

void *apus_mhd_context(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info == NULL ? NULL : info->socket_context;
}

const struct sockaddr *apus_mhd_peer(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  return info == NULL ? NULL : info->client_addr;
}

size_t apus_mhd_header_bytes(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return info == NULL ? 0 : info->header_size;
}

enum MHD_Result apus_mhd_look_again_soon(struct MHD_Connection *connection) {
  return MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 1u);
}

enum MHD_Result apus_mhd_set_unchunked(struct MHD_Response *response) {
  return MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
}
