// Doors to the variadic calls of libmicrohttpd and libcurl. The HTTP target owns the meaning.
#ifndef APUS_HTTP_H
#define APUS_HTTP_H

#include <curl/curl.h>
#include <sys/types.h>

#include <microhttpd.h>

static inline CURLcode apus_curl_set_long(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode apus_curl_set_pointer(CURL *handle, CURLoption option, const void *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode apus_curl_get_long(CURL *handle, CURLINFO info, long *value) {
  return curl_easy_getinfo(handle, info, value);
}

// Starts a daemon with options in an array that ends in MHD_OPTION_END.
static inline struct MHD_Daemon *apus_mhd_start(
  unsigned int flags, uint16_t port, MHD_AcceptPolicyCallback accept, void *accept_context,
  MHD_AccessHandlerCallback handler, void *handler_context, struct MHD_OptionItem *options) {
  return MHD_start_daemon(
    flags, port, accept, accept_context, handler, handler_context, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

#endif
