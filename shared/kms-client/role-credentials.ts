/**
 * Credentials of the roles that publishers were given, by region, role and publisher: the session's name is the
 * publisher's.
 *
 *   none ── use ─→ in flight ── obtained ─→ held ── five minutes before their end ─→ renewed with the next use
 *                      └── refused ─→ none        └── KMS refuses them ─→ dropped ─→ none
 *
 * One flight serves all uses that come meanwhile. While STS fails, what is held is used to its end. Refusals are not
 * remembered here: data-keys does that, by publisher.
 *
 * Breakers of STS are here, one for each region, and not among those of KMS: whoever has credentials, or needs no role,
 * is not to suffer from an STS that is down; and a role that is refused is an answer, so that it keeps nobody else from asking.
 */

import type { Clock } from '#shared/clock'
import { createLruMap } from '#shared/lru-map'
import { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.ts'
import { KmsCredentialsError, KmsRoleUnavailableError, StsUnavailableError } from './errors.ts'

export interface RoleCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  /** Epoch ms. */
  readonly expiresAt: number
}

export interface RoleUse {
  readonly region: string
  readonly roleArn: string
  /** Id of the publisher, which differs where the session policy does. */
  readonly principal: string
  /** In JSON: what the session may do at most, whatever the role may. */
  readonly sessionPolicy?: string | undefined
}

export interface RoleCredentialsCache {
  /**
   * @returns isNew: obtained by this use, or by one that was under way
   * @throws {BrokerError} what `assume` throws; why STS is not asked at the moment
   */
  obtain(use: RoleUse): Promise<{ credentials: RoleCredentials; isNew: boolean }>
  /** KMS does not accept them. Others that have come since stay. */
  drop(use: RoleUse, credentials: RoleCredentials): void
}

/** Of an hour; more than clocks differ and calls last. */
const RENEW_BEFORE_MS = 300_000
/** What is held is not used later than this before its end: a call takes time, and clocks differ. */
const USE_UNTIL_MS = 15_000
/** As many as pairs of data keys; of about 2 KiB each. */
const MAX_ROLES = 10_000
const MAX_REGIONS = 32
/** As KMS's own (guard-kms.ts). */
const BREAKER = { threshold: 5, pauseMs: 500, maxPauseMs: 2_000 }

/** @param o.assume asks STS; ends within a call's deadline */
export function createRoleCredentials({
  assume,
  clock,
  maxRoles = MAX_ROLES,
}: {
  assume: (use: RoleUse) => Promise<RoleCredentials>
  clock: Clock
  maxRoles?: number
}): RoleCredentialsCache {
  const held = createLruMap<RoleCredentials>(maxRoles)
  const flights = new Map<string, Promise<RoleCredentials>>()
  const breakers = createLruMap<CircuitBreaker>(MAX_REGIONS)

  return {
    async obtain(use) {
      const key = keyOf(use)
      const known = held.get(key)
      if (known !== undefined && clock.now() < known.expiresAt - RENEW_BEFORE_MS) {
        return { credentials: known, isNew: false }
      }
      try {
        return { credentials: await (flights.get(key) ?? startFlight(use, key)), isNew: true }
      } catch (error) {
        const isGood = known !== undefined && clock.now() < known.expiresAt - USE_UNTIL_MS && held.get(key) === known
        if (isGood && !isRefusal(error)) return { credentials: known, isNew: false }
        throw error
      }
    },
    drop(use, credentials) {
      const key = keyOf(use)
      if (held.get(key) === credentials) held.delete(key)
    },
  }

  function startFlight(use: RoleUse, key: string): Promise<RoleCredentials> {
    const flight = ask(use, key).finally(() => flights.delete(key))
    flights.set(key, flight)
    return flight
  }

  async function ask(use: RoleUse, key: string): Promise<RoleCredentials> {
    const permit = breakerOf(use.region).admit(clock.now())
    if (permit === undefined) {
      throw new StsUnavailableError(
        `Cannot ask KMS with the role ${use.roleArn}: STS is spared, since it failed of late`,
      )
    }
    try {
      const credentials = await assume(use)
      permit.succeeded()
      held.set(key, credentials)
      return credentials
    } catch (error) {
      if (error instanceof StsUnavailableError) permit.failed(clock.now())
      // Those of the broker: it may be that nobody was asked.
      else if (error instanceof KmsCredentialsError) permit.abandoned()
      else permit.succeeded()
      if (isRefusal(error)) held.delete(key)
      throw error
    }
  }

  function breakerOf(region: string): CircuitBreaker {
    const breaker = breakers.get(region) ?? createCircuitBreaker(BREAKER)
    breakers.set(region, breaker)
    return breaker
  }
}

/** The broker may not have the role any more: then what it holds of it is not used to its end either. */
function isRefusal(error: unknown): boolean {
  return !(error instanceof KmsRoleUnavailableError || error instanceof KmsCredentialsError)
}

/** No region or ARN holds a line end. The publisher's id stands for the session policy. */
function keyOf({ region, roleArn, principal }: RoleUse): string {
  return `${region}\n${roleArn}\n${principal}`
}
