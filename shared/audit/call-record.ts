/** Whether a call is put on the record, and as what. Pure. */

/** What became of a call. */
export type CallOutcome =
  | { readonly kind: 'done' }
  /** @param denies the caller lacks a permission, or asked in a way that is not allowed */
  | { readonly kind: 'refused'; readonly denies: boolean }
  /** Something of ours failed, or there was no room: nothing was decided about the caller. */
  | { readonly kind: 'failed' }

export type CallRecord = 'denied' | 'administered'

/**
 * @param o.isAuthenticated it was settled who calls, or that nobody needs to be known; whatever is refused earlier counts as denied
 * @param o.isAdministrative see the tables of the services
 * @returns undefined for what metrics and the service's own log are enough for
 */
export function recordOf(o: {
  outcome: CallOutcome
  isAuthenticated: boolean
  isAdministrative: boolean
}): CallRecord | undefined {
  const { outcome, isAuthenticated, isAdministrative } = o
  if (outcome.kind === 'refused' && (outcome.denies || !isAuthenticated)) return 'denied'
  return isAdministrative && isAuthenticated ? 'administered' : undefined
}
