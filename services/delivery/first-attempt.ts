/**
 * The first attempt at one subscription of an entry, made straight from the stream.
 *
 * It must not hold up the others: where the endpoint has no room, or has messages waiting already, the
 * message waits in its backlog; where the answer takes long, the attempt goes on alone and the message is
 * lined up with it, so that the entry can leave the stream.
 */

import type { Entry } from '#shared/stream-log'
import type { Admit } from './admit.ts'
import type { AttemptDelivery } from './attempt.ts'
import type { Outgoing } from './compose.ts'
import { type AttemptDecision, type Fate, fateOf } from './decide-settlement.ts'
import type { Endpoint, Permit } from './endpoints/endpoint.ts'
import type { Endpoints } from './endpoints/endpoints.ts'
import { MOVING_ENDPOINT_MS, ROOM_WAIT_MS } from './limits.ts'
import type { Patience } from './patience.ts'
import type { Recipient } from './recipients.ts'

/** Of messages that are to reach each subscription in the order in which they come to their first attempts. */
export interface Order {
  /** Whether one that came before waits in the subscription's backlog, or is about to. */
  mustLineUp(subscriptionId: string): boolean
  /** This one is about to. */
  linesUp(subscriptionId: string): void
}

export type FirstAttempt = (o: {
  entry: Entry
  recipient: Recipient
  outgoing: Outgoing
  /** Whether messages of the subscription wait already. */
  hasBacklog: boolean
  /** Undefined where order is of no matter: whoever finds room takes it then. */
  order?: Order | undefined
  patience: Patience
  gone: AbortSignal
}) => Promise<Fate>

const NO_ROOM: Fate = { kind: 'waits', underWay: undefined }

export function createFirstAttempt({
  endpoints,
  admit,
  attemptDelivery,
}: {
  endpoints: Endpoints
  admit: Admit
  attemptDelivery: AttemptDelivery
}): FirstAttempt {
  /** A burst passes in a moment; a place in the backlog costs three calls of Redis. */
  const waitForRoom = (endpoint: Endpoint, gone: AbortSignal): Promise<Permit | undefined> => {
    const atMostMs = endpoint.expectedMs() <= MOVING_ENDPOINT_MS ? MOVING_ENDPOINT_MS : ROOM_WAIT_MS
    return endpoint.enter(AbortSignal.any([gone, AbortSignal.timeout(atMostMs)]))
  }

  return async ({ entry, recipient, outgoing, hasBacklog, order, patience, gone }) => {
    const { id } = recipient.subscription
    const endpoint = endpoints.of(id)
    const lineUp = () => {
      order?.linesUp(id)
      return NO_ROOM
    }
    if (order?.mustLineUp(id)) return lineUp()
    let permit = endpoint.tryEnter()
    if (permit === undefined && !hasBacklog && !endpoint.isUnhealthy) permit = await waitForRoom(endpoint, gone)
    if (permit === undefined) return lineUp()
    const { leave } = permit
    // The one before may have given up waiting meanwhile.
    if (order?.mustLineUp(id)) {
      leave('untried')
      return lineUp()
    }
    const admitted = admit(entry, recipient)
    const waitMs = typeof admitted === 'number' ? admitted : await admitted.catch(() => 1)
    if (waitMs > 0) {
      leave('untried')
      return lineUp()
    }
    const attempt = attemptDelivery({ entry, recipient, outgoing, attempt: 1 }).then(
      ({ decision, served }) => {
        leave(served)
        return decision
      },
      (error: unknown) => {
        leave('untried')
        throw error
      },
    )
    let decision: AttemptDecision | undefined = await patience.short(attempt)
    if (decision === undefined && endpoint.expectedMs() <= MOVING_ENDPOINT_MS) {
      decision = await patience.long(attempt)
    }
    return decision === undefined ? { kind: 'waits', underWay: attempt } : fateOf(decision)
  }
}
