/** One step away from a request: a name that says which, and what comes of it. */

import type { WireRequest } from './wire-request.ts'

export type Mutation = readonly [name: string, wire: WireRequest]

/** Every mutation of one kind; none where the request has nothing of that kind. */
export type Mutator = (wire: WireRequest) => readonly Mutation[]

/** The list with one element taken out, put in twice, or exchanged for the next: each, at each place. */
export function listMutations<T>(items: readonly T[], nameOf: (item: T) => string): [name: string, items: T[]][] {
  return items.flatMap((item, at): [string, T[]][] => {
    const name = nameOf(item)
    const next = items[at + 1]
    return [
      [`without ${name}`, items.toSpliced(at, 1)],
      [`${name} twice`, items.toSpliced(at, 0, item)],
      [`${name} last`, [...items.toSpliced(at, 1), item]],
      ...(next === undefined
        ? []
        : [[`${name} after its neighbour`, items.toSpliced(at, 2, next, item)] as [string, T[]]]),
    ]
  })
}
