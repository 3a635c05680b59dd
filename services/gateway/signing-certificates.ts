/**
 * The certificates of the keys that sign notifications, at the path SNS serves its own from. Old
 * ones stay downloadable while messages signed with them are in flight.
 */

import { readSigningCertPath } from '#shared/sns-wire'

/** @returns the PEM, or undefined when the path names none */
export function findSigningCertificate(path: string, certificates: ReadonlyMap<string, string>): string | undefined {
  const id = readSigningCertPath(path)
  return id === undefined ? undefined : certificates.get(id)
}
