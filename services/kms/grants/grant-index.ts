/**
 * The grants in memory, found at once by what they are asked for by: id, grantee, retiring principal, and
 * the terms of a named one. Touches no disk.
 *
 * A look-up of an authorization costs the grants of one grantee on one key, however many the key has.
 */

import type { Grant, GrantTerms } from './grant.ts'

interface GrantsOfKey {
  readonly byId: Map<string, Grant>
  readonly byGrantee: Map<string, Set<Grant>>
  readonly byTerms: Map<string, Grant>
  /** In the order of their ids; undefined since the last change. */
  sorted: readonly Grant[] | undefined
}

export interface GrantIndex {
  /** In the order of their ids. */
  list(keyArn: string): readonly Grant[]
  find(keyArn: string, id: string): Grant | undefined
  count(keyArn: string): number
  ofGrantee(keyArn: string, granteePrincipal: string): Iterable<Grant>
  /** In the order of key ARN and id. */
  retirableBy(principal: string): readonly Grant[]
  /** The named grant that these terms would make again. */
  findSame(keyArn: string, terms: GrantTerms & Pick<Grant, 'issuingAccount'>): Grant | undefined
  add(grant: Grant): void
  remove(grant: Grant): void
  removeKey(keyArn: string): void
}

export function createGrantIndex(): GrantIndex {
  const keys = new Map<string, GrantsOfKey>()
  const byRetiring = new Map<string, Set<Grant>>()

  const ofKey = (keyArn: string): GrantsOfKey => {
    const known = keys.get(keyArn)
    if (known !== undefined) return known
    const made = { byId: new Map(), byGrantee: new Map(), byTerms: new Map(), sorted: undefined }
    keys.set(keyArn, made)
    return made
  }
  const remove = (grant: Grant): void => {
    const own = keys.get(grant.keyArn)
    if (own?.byId.delete(grant.id) !== true) return
    own.sorted = undefined
    removeFrom(own.byGrantee, grant.granteePrincipal, grant)
    if (grant.name !== undefined) own.byTerms.delete(termsKey(grant))
    if (grant.retiringPrincipal !== undefined) removeFrom(byRetiring, grant.retiringPrincipal, grant)
    if (own.byId.size === 0) keys.delete(grant.keyArn)
  }
  return {
    list(keyArn) {
      const own = keys.get(keyArn)
      if (own === undefined) return []
      own.sorted ??= [...own.byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
      return own.sorted
    },
    find: (keyArn, id) => keys.get(keyArn)?.byId.get(id),
    count: (keyArn) => keys.get(keyArn)?.byId.size ?? 0,
    ofGrantee: (keyArn, granteePrincipal) => keys.get(keyArn)?.byGrantee.get(granteePrincipal) ?? [],
    retirableBy: (principal) => [...(byRetiring.get(principal) ?? [])].sort((a, b) => (place(a) < place(b) ? -1 : 1)),
    findSame: (keyArn, terms) =>
      terms.name === undefined ? undefined : keys.get(keyArn)?.byTerms.get(termsKey(terms)),
    add(grant) {
      const own = ofKey(grant.keyArn)
      own.byId.set(grant.id, grant)
      own.sorted = undefined
      addTo(own.byGrantee, grant.granteePrincipal, grant)
      if (grant.name !== undefined) own.byTerms.set(termsKey(grant), grant)
      if (grant.retiringPrincipal !== undefined) addTo(byRetiring, grant.retiringPrincipal, grant)
    },
    remove,
    removeKey(keyArn) {
      for (const grant of [...(keys.get(keyArn)?.byId.values() ?? [])]) remove(grant)
    },
  }
}

/** What orders the grants of a retiring principal, and names one in a marker. */
export function place({ keyArn, id }: Grant): string {
  return `${keyArn}/${id}`
}

/** The order of operations and of pairs says nothing. */
function termsKey(o: GrantTerms & Pick<Grant, 'issuingAccount'>): string {
  const { constraint } = o
  const pairs = constraint && [...constraint.pairs].map((pair) => JSON.stringify(pair)).sort()
  const terms = [o.granteePrincipal, o.retiringPrincipal ?? null, [...o.operations].sort(), constraint?.type ?? null]
  return JSON.stringify([o.issuingAccount, o.name, ...terms, pairs ?? null])
}

function addTo(index: Map<string, Set<Grant>>, name: string, grant: Grant): void {
  const known = index.get(name)
  if (known === undefined) index.set(name, new Set([grant]))
  else known.add(grant)
}

function removeFrom(index: Map<string, Set<Grant>>, name: string, grant: Grant): void {
  const known = index.get(name)
  known?.delete(grant)
  if (known?.size === 0) index.delete(name)
}
