/* Who proved itself, as far as what is remembered across sessions is concerned. */
#ifndef MOAT_GUARD_IDENTITY_H
#define MOAT_GUARD_IDENTITY_H

#include "moat/base/bytes.h"

/* The same name proven in two ways is two identities: whoever may write the password
 * file need not be who signs the certificates. */
enum guard_proof {
    GUARD_PROOF_NONE = 0, /* nothing was proven: nobody in particular */
    GUARD_PROOF_CERTIFICATE,
    GUARD_PROOF_USERNAME,
};

struct guard_identity {
    enum guard_proof proof;
    struct slice name; /* borrowed; tells it from all others with this kind of proof. Of a
                          certificate that is the issuer as well, for two authorities may sign
                          the same name. */
};

#endif
