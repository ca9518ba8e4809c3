#include "attest/tpm.h"

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

TPM2B_PUBLIC tpmtemplate_srk(void)
{
	TPM2B_PUBLIC k = p256(
	        TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT);
	k.publicArea.parameters.eccDetail.symmetric = (TPMT_SYM_DEF_OBJECT){
	        .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
	return k;
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
