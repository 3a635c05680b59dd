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
import type { Permit } from './endpoints/endpoint.ts'
import type { Endpoints } from './endpoints/endpoints.ts'
import { ROOM_WAIT_MS } from './limits.ts'
import type { Recipient } from './recipients.ts'

export type FirstAttempt = (o: {
  entry: Entry
  recipient: Recipient
  outgoing: Outgoing
  /** Whether messages of the subscription wait already. */
  hasBacklog: boolean
  /** Resolves when the entry is to leave the stream. */
  late: Promise<undefined>
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
  const roomFor = (subscriptionId: string, gone: AbortSignal): Permit | undefined | Promise<Permit | undefined> => {
    const endpoint = endpoints.of(subscriptionId)
    const permit = endpoint.tryEnter()
    if (permit !== undefined || endpoint.isUnhealthy) return permit
    // A burst passes in a moment; a place in the backlog costs three calls of Redis.
    return endpoint.enter(AbortSignal.any([gone, AbortSignal.timeout(ROOM_WAIT_MS)]))
  }

  return async ({ entry, recipient, outgoing, hasBacklog, late, gone }) => {
    if (hasBacklog) return NO_ROOM
    const room = roomFor(recipient.subscription.id, gone)
    const permit = room instanceof Promise ? await room : room
    if (permit === undefined) return NO_ROOM
    const admitted = admit(entry, recipient)
    const waitMs = typeof admitted === 'number' ? admitted : await admitted.catch(() => 1)
    if (waitMs > 0) {
      permit.leave('untried')
      return NO_ROOM
    }
    const attempt = attemptDelivery({ entry, recipient, outgoing, attempt: 1 }).then(
      ({ decision, served }) => {
        permit.leave(served)
        return decision
      },
      (error: unknown) => {
        permit.leave('untried')
        throw error
      },
    )
    const decision: AttemptDecision | undefined = await Promise.race([attempt, late])
    return decision === undefined ? { kind: 'waits', underWay: attempt } : fateOf(decision)
  }
}
