/** An identity policy that allows everything: for questions that a key policy alone is to answer. */

import { compilePolicy, type NamedPolicy } from '#shared/policy'

const DOCUMENT = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }

export const EVERYTHING: readonly NamedPolicy[] = [
  { name: 'everything', policy: compilePolicy(JSON.stringify(DOCUMENT), { kind: 'identity' }) },
]
