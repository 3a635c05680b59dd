/** For tests: a principal as the principals file would give it, without a file. */

import type { Principal } from '#shared/principals'

/** A user without policies, unless told otherwise. */
export function createTestPrincipal(o: Partial<Principal> & { arn: string }): Principal {
  return {
    kind: 'user',
    account: o.arn.split(':')[4] ?? '',
    userId: 'AIDATESTTESTTESTTESTT',
    policies: [],
    tags: new Map(),
    publisher: o.arn,
    version: 'test',
    ...o,
  }
}
