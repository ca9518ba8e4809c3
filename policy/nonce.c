#include <openssl/rand.h>

#include "policy/decider.h"

int nonce_new(uint8_t out[NONCE_LEN], struct err *e)
{
	if (RAND_bytes(out, NONCE_LEN) == 1)
		return 0;
	return err_set(e, WHY_SYSTEM, "there are no random numbers to make a nonce from");
}
