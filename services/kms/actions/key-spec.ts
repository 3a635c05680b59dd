/**
 * What kind of key CreateKey is asked for: KMS's own rules first, then the one that only symmetric
 * keys are served here. Who asks for an impossible key learns that before learning that it would not be made.
 */

import type { MemberReader } from '../members.ts'

const RSA = ['SIGN_VERIFY', 'ENCRYPT_DECRYPT']
const ECC = ['SIGN_VERIFY', 'KEY_AGREEMENT']
const SIGNING = ['SIGN_VERIFY']
const MAC = ['GENERATE_VERIFY_MAC']
const KEM = ['ENCAPSULATE_DECAPSULATE']

/** KMS's model: each key spec with the usages it can have. */
const USAGES_OF_SPEC: Readonly<Record<string, readonly string[]>> = {
  SYMMETRIC_DEFAULT: ['ENCRYPT_DECRYPT'],
  RSA_2048: RSA,
  RSA_3072: RSA,
  RSA_4096: RSA,
  ECC_NIST_P256: ECC,
  ECC_NIST_P384: ECC,
  ECC_NIST_P521: ECC,
  ECC_SECG_P256K1: SIGNING,
  ECC_NIST_EDWARDS25519: SIGNING,
  HMAC_224: MAC,
  HMAC_256: MAC,
  HMAC_384: MAC,
  HMAC_512: MAC,
  SM2: [...RSA, 'KEY_AGREEMENT'],
  ML_DSA_44: SIGNING,
  ML_DSA_65: SIGNING,
  ML_DSA_87: SIGNING,
  ML_KEM_512: KEM,
  ML_KEM_768: KEM,
  ML_KEM_1024: KEM,
}
const KEY_SPECS = Object.keys(USAGES_OF_SPEC)
const KEY_USAGES = [...new Set(Object.values(USAGES_OF_SPEC).flat())]

/** Refuses every key but a symmetric one for encryption. */
export function readKeySpec(read: MemberReader): void {
  const values = { values: KEY_SPECS, supported: ['SYMMETRIC_DEFAULT'] } as const
  const spec = read.requested('KeySpec', values)
  const oldSpec = read.requested('CustomerMasterKeySpec', values)
  const usage = read.requested('KeyUsage', { values: KEY_USAGES, supported: ['ENCRYPT_DECRYPT'] })
  if (spec !== undefined && oldSpec !== undefined) {
    read.refuse(
      'You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.',
    )
    return
  }
  const asked = spec ?? oldSpec ?? 'SYMMETRIC_DEFAULT'
  if (usage === undefined && asked !== 'SYMMETRIC_DEFAULT') {
    read.refuse('You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.')
  } else if (usage !== undefined && !USAGES_OF_SPEC[asked]?.includes(usage)) {
    read.refuse(`KeyUsage ${usage} is not compatible with KeySpec ${asked}`)
  }
}
