// The few things Swift cannot say itself: RE2 (C++), variadic C calls, CPU instructions without an intrinsic.
// Each function is a door without logic; whoever calls it holds the meaning.
#ifndef APUS_CSHIMS_H
#define APUS_CSHIMS_H

#include "apus_bytes.h"
#include "apus_instructions.h"
#include "apus_masks.h"
#include "apus_re2.h"
#include "apus_sha256.h"
#include "apus_tls.h"
#include "apus_http.h"
#include "apus_process.h"

#endif
