/**
 * The certificates of the keys that sign notifications, at the path SNS serves its own from. Old
 * ones stay downloadable while messages signed with them are in flight.
 */

const PATH = /^\/SimpleNotificationService-([0-9a-f]{32})\.pem$/

/** @returns the PEM, or undefined when the path names none */
export function findSigningCertificate(path: string, certificates: ReadonlyMap<string, string>): string | undefined {
  const id = PATH.exec(path)?.[1]
  return id === undefined ? undefined : certificates.get(id)
}
