/**
 * CreateKey: a symmetric key in the caller's account and region, under the default key policy.
 *
 * Values that say what is so anyway are taken; a policy, tags, another kind of key or another origin
 * are refused, since a caller who sends them relies on them.
 */

import type { Action } from './action.ts'
import { keyMetadata } from './key-metadata.ts'

/** KMS's model; SYMMETRIC_DEFAULT is the one there is here. */
const KEY_SPECS = [
  ...['RSA_2048', 'RSA_3072', 'RSA_4096', 'ECC_NIST_P256', 'ECC_NIST_P384', 'ECC_NIST_P521', 'ECC_SECG_P256K1'],
  ...['SYMMETRIC_DEFAULT', 'HMAC_224', 'HMAC_256', 'HMAC_384', 'HMAC_512', 'SM2'],
  ...['ML_DSA_44', 'ML_DSA_65', 'ML_DSA_87', 'ECC_NIST_EDWARDS25519'],
]
const KEY_USAGES = ['SIGN_VERIFY', 'ENCRYPT_DECRYPT', 'GENERATE_VERIFY_MAC', 'KEY_AGREEMENT']
const ORIGINS = ['AWS_KMS', 'EXTERNAL', 'AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE']

export const createKey: Action = async ({ caller, keyStore, readMembers, note }) => {
  const { description } = readMembers((read) => {
    const keySpec = read.choice('KeySpec', { values: KEY_SPECS, supported: ['SYMMETRIC_DEFAULT'] })
    const oldKeySpec = read.choice('CustomerMasterKeySpec', { values: KEY_SPECS, supported: ['SYMMETRIC_DEFAULT'] })
    if (keySpec !== undefined && oldKeySpec !== undefined) {
      read.refuse(
        'You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.',
      )
    }
    read.choice('KeyUsage', { values: KEY_USAGES, supported: ['ENCRYPT_DECRYPT'] })
    read.choice('Origin', { values: ORIGINS, supported: ['AWS_KMS'] })
    read.falseFlag('MultiRegion')
    read.falseFlag('BypassPolicyLockoutSafetyCheck')
    read.emptyList('Tags')
    return { description: read.text('Description', { max: 8192 }) ?? '' }
  })
  const { account, region } = caller
  const key = await keyStore.createKey({ account, region, description })
  note({ keyArn: key.arn })
  return { KeyMetadata: keyMetadata(key) }
}
