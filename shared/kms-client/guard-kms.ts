/**
 * Spares a KMS that is down or asks for less, and those who would wait for it in vain.
 *
 * | breaker | one for each | opened by |
 * |---|---|---|
 * | endpoint | region | server faults, time-outs, connections that fail |
 * | throttling | region and account of the publisher, whose quota it is in the local KMS, or of the role it was given | throttling |
 * | key | key as it is asked for | a key that KMS says is not available at the moment, or refuses to be asked about for an unknown reason |
 *
 * While one is open, calls fail at once with the error that opened it. Refusals (denied, disabled, not found) are answers:
 * they open nothing, and who remembers them is data-keys. Probes of held keys have a rhythm of their own and always go
 * through; what they find out closes breakers, but does not open them.
 */

import type { Clock } from '#shared/clock'
import { BrokerError, letGoOfFrames } from '#shared/errors'
import { createLruMap } from '#shared/lru-map'
import { type CircuitBreaker, createCircuitBreaker, type Permit } from './circuit-breaker.ts'
import {
  KmsCredentialsError,
  KmsInsecureEndpointError,
  KmsKeyUnavailableError,
  KmsRoleDeniedError,
  KmsRoleUnavailableError,
  KmsThrottlingError,
  KmsUnavailableError,
} from './errors.ts'
import type { KmsClient } from './kms-client.ts'
import { placeOf } from './qualify-key-id.ts'

type BreakerScope = 'endpoint' | 'throttling' | 'key'

/** What a breaker is about: a region, an account in a region, or a key. */
export interface BreakerEvent {
  readonly scope: BreakerScope
  readonly name: string
}

interface BreakerObserver {
  /** The breaker opened or closed; `open` is how many of its scope are not closed now. */
  onChange(event: BreakerEvent & { state: 'open' | 'closed'; open: number }, error?: Error): void
  /** A call was not made. */
  onRefused(event: BreakerEvent): void
}

type Guarded = Pick<KmsClient, 'generateDataKey' | 'decrypt'>

/** Short, since a KMS that is back should be found within seconds; a probe costs one call. */
const SETTINGS = { threshold: 5, pauseMs: 500, maxPauseMs: 2_000 }
/** Beyond, the one that was needed longest ago is dropped, and as new when it is needed again. */
const MAX_BREAKERS = 10_000

interface Guard extends BreakerEvent {
  readonly breaker: CircuitBreaker
  lastError: BrokerError | undefined
}

interface Call {
  readonly topicArn: string
  readonly principal: string
  readonly roleArn?: string | undefined
  readonly purpose: string
  readonly key: string
}

type Admitted = readonly { readonly guard: Guard; readonly permit: Permit | undefined }[]

export function guardKms(kms: Guarded, o: { clock: Clock; observer: BreakerObserver }): Guarded {
  const { clock, observer } = o
  const open: Record<BreakerScope, number> = { endpoint: 0, throttling: 0, key: 0 }
  const guards = createLruMap<Guard>(MAX_BREAKERS, (dropped) => {
    if (dropped.breaker.state !== 'closed') open[dropped.scope] -= 1
  })

  return {
    generateDataKey: (call) => guarded({ ...call, key: call.keyId }, () => kms.generateDataKey(call)),
    decrypt: (call) => guarded({ ...call, key: call.keyArn }, () => kms.decrypt(call)),
  }

  async function guarded<T>(call: Call, ask: () => Promise<T>): Promise<T> {
    const admitted = admit(call)
    try {
      const answer = await ask()
      report(admitted, undefined)
      return answer
    } catch (error) {
      report(admitted, error)
      throw error
    }
  }

  function admit(call: Call): Admitted {
    const own = guardsOf(call)
    if (call.purpose === 'probe') return own.map((guard) => ({ guard, permit: undefined }))
    const admitted: { guard: Guard; permit: Permit }[] = []
    for (const guard of own) {
      const permit = guard.breaker.admit(clock.now())
      if (permit === undefined) {
        for (const other of admitted) other.permit.abandoned()
        observer.onRefused({ scope: guard.scope, name: guard.name })
        throw guard.lastError ?? new KmsUnavailableError('KMS is not asked for the moment')
      }
      admitted.push({ guard, permit })
    }
    return admitted
  }

  function report(admitted: Admitted, error: unknown): void {
    const failedScope = scopeOf(error)
    for (const { guard, permit } of admitted) {
      const wasClosed = guard.breaker.state === 'closed'
      const verdict = verdictOf(guard.scope, failedScope)
      if (verdict === 'failed' && error instanceof BrokerError) {
        letGoOfFrames(error)
        guard.lastError = error
        permit?.failed(clock.now())
      } else if (verdict === 'succeeded') {
        if (permit) permit.succeeded()
        else guard.breaker.close()
      } else permit?.abandoned()
      settle(guard, wasClosed, error)
    }
  }

  function settle(guard: Guard, wasClosed: boolean, error: unknown): void {
    const { scope, name, breaker } = guard
    const isClosed = breaker.state === 'closed'
    // One that was given up for its age is counted no more.
    if (isClosed === wasClosed || guards.get(keyOf(guard)) !== guard) return
    open[scope] += isClosed ? -1 : 1
    const state = isClosed ? 'closed' : 'open'
    observer.onChange({ scope, name, state, open: open[scope] }, error instanceof Error ? error : undefined)
  }

  function guardsOf({ topicArn, principal, roleArn, key }: Call): Guard[] {
    const { region } = placeOf(topicArn)
    // A role's own account has the quota, and is where AWS looks for bare key ids and aliases.
    const account = (roleArn ?? principal).split(':')[4] ?? ''
    return [
      guardOf('endpoint', region),
      guardOf('throttling', `${region} ${account}`),
      guardOf('key', key.startsWith('arn:') ? key : `${region} ${account} ${key}`),
    ]
  }

  function guardOf(scope: BreakerScope, name: string): Guard {
    const known = guards.get(keyOf({ scope, name }))
    if (known !== undefined) return known
    const guard = { scope, name, breaker: createCircuitBreaker(SETTINGS), lastError: undefined }
    guards.set(keyOf(guard), guard)
    return guard
  }
}

function keyOf({ scope, name }: BreakerEvent): string {
  return `${scope} ${name}`
}

/** @returns whose breaker the outcome speaks against: none for answers, refusals included; unknown for what is no answer of KMS */
function scopeOf(error: unknown): BreakerScope | 'none' | 'unknown' {
  if (error === undefined) return 'none'
  // STS has breakers of its own (role-credentials.ts).
  if (error instanceof KmsRoleDeniedError || error instanceof KmsRoleUnavailableError) return 'unknown'
  if (error instanceof KmsKeyUnavailableError) return 'key'
  if (error instanceof KmsUnavailableError) return 'endpoint'
  if (error instanceof KmsThrottlingError) return 'throttling'
  if (error instanceof KmsCredentialsError || error instanceof KmsInsecureEndpointError) return 'unknown'
  return error instanceof BrokerError ? 'none' : 'unknown'
}

function verdictOf(scope: BreakerScope, failed: ReturnType<typeof scopeOf>): 'succeeded' | 'failed' | 'abandoned' {
  if (failed === scope) return 'failed'
  if (failed === 'none') return 'succeeded'
  // Throttled, or told that a key is not there, is answered; and whom KMS tells of a key it does not throttle.
  if (scope === 'endpoint' && failed !== 'unknown') return 'succeeded'
  return scope === 'throttling' && failed === 'key' ? 'succeeded' : 'abandoned'
}
