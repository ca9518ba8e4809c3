#include <string.h>

#include "attest/tpm.h"

/* PolicyA of the EK profile: PolicySecret(TPM_RH_ENDORSEMENT). */
static const uint8_t policy_a[SHA_LEN] = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46,
        0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69,
        0xaa};

/* A P-256 key that never leaves this TPM and whose authorization is not counted by the dictionary-attack logic:
 * power cuts must not lock a machine out. */
static TPM2B_PUBLIC p256(TPMA_OBJECT attributes)
{
	return (TPM2B_PUBLIC){.publicArea = {
	                              .type = TPM2_ALG_ECC,
	                              .nameAlg = TPM2_ALG_SHA256,
	                              .objectAttributes = attributes | TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
	                                                  TPMA_OBJECT_SENSITIVEDATAORIGIN,
	                              .parameters.eccDetail =
	                                      {
	                                              .symmetric.algorithm = TPM2_ALG_NULL,
	                                              .scheme.scheme = TPM2_ALG_NULL,
	                                              .curveID = TPM2_ECC_NIST_P256,
	                                              .kdf.scheme = TPM2_ALG_NULL,
	                                      },
	                      }};
}

static TPM2B_PUBLIC storage(TPMA_OBJECT attributes)
{
	TPM2B_PUBLIC k = p256(attributes | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT);
	k.publicArea.parameters.eccDetail.symmetric = (TPMT_SYM_DEF_OBJECT){
	        .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
	return k;
}

TPM2B_PUBLIC tpmtemplate_ek(void)
{
	TPM2B_PUBLIC k = storage(TPMA_OBJECT_ADMINWITHPOLICY);
	k.publicArea.authPolicy.size = SHA_LEN;
	memcpy(k.publicArea.authPolicy.buffer, policy_a, SHA_LEN);
	/* Template L-2 asks for 32 zero bytes in each coordinate, and the seed is hashed with them. */
	k.publicArea.unique.ecc.x.size = 32;
	k.publicArea.unique.ecc.y.size = 32;
	return k;
}

TPM2B_PUBLIC tpmtemplate_srk(void)
{
	return storage(TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA);
}

TPM2B_PUBLIC tpmtemplate_ak(void)
{
	TPM2B_PUBLIC k = p256(
	        TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT);
	k.publicArea.parameters.eccDetail.scheme = (TPMT_ECC_SCHEME){
	        .scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256};
	return k;
}

TPM2B_PUBLIC tpmtemplate_id(void)
{
	return p256(TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_SIGN_ENCRYPT);
}
