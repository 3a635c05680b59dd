/**
 * Why KMS was asked: every call of the broker bears one of these, in metrics and in the ledger, so that each line of
 * a KMS bill can be explained. README.md has the table of who makes which call when.
 */

export const KMS_PURPOSES = ['issue', 'share', 'deliver', 'reopen', 'probe', 'rewrap', 'describe'] as const

export type KmsPurpose = (typeof KMS_PURPOSES)[number]
