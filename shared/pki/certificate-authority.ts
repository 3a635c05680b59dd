/** The development CA: what `ca.pem` holds, so that clients and subscribers need trust one file. */

import { type CertifiedKey, certify } from './certificate.ts'

const DAYS = 3_650

/** @throws {CertificateRequestError} when the common name is empty or longer than 64 characters */
export function createCertificateAuthority({ commonName, now }: { commonName: string; now: number }): CertifiedKey {
  return certify({
    commonName,
    days: DAYS,
    now,
    extensions: [
      // Path length 0: it may issue end certificates, no further authority.
      { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
      { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    ],
  })
}
