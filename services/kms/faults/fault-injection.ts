/** Lets a request meet what was asked for: waits, or throws the answer or silence that it shall get. */

import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '#shared/clock'
import type { Counter } from '#shared/metrics'
import type { KeyStore } from '../key-store.ts'
import type { Caller } from '../key-use.ts'
import { InjectedAnswerError, InjectedSilenceError } from './errors.ts'
import type { FaultPlan } from './fault-plan.ts'
import { createFaultState, type Fault, type FaultState } from './fault-state.ts'
import { type FaultSubject, injectedResponseOf } from './injectable-errors.ts'
import { keyOfRequest } from './key-of-request.ts'

export interface FaultInjection {
  /** @throws {InjectedAnswerError} @throws {InjectedSilenceError} */
  meet(request: { operation: string; caller: Caller; body: Uint8Array }): Promise<void>
  /** Also cuts off what hangs, and lets what waits go on. */
  replace(plan: FaultPlan): void
  add(plan: FaultPlan): void
  clear(): void
  describe: FaultState['describe']
}

export function createFaultInjection(o: {
  clock: Clock
  keyStore: KeyStore
  injected: Counter<'kind'>
}): FaultInjection {
  const state = createFaultState({ clock: o.clock })
  let held = new AbortController()
  const replace = (plan: FaultPlan) => {
    state.replace(plan)
    held.abort()
    held = new AbortController()
  }

  return {
    async meet({ operation, caller, body }) {
      let found: { keyArn: string | undefined } | undefined
      const keyArn = () => {
        found ??= { keyArn: keyOfRequest(body, { caller, keyStore: o.keyStore }) }
        return found.keyArn
      }
      // Of the plan that decided: waiting first and hanging then, it would else outlast its replacement.
      const released = held.signal
      const { delayMs, fault } = state.decide({ operation, account: caller.account, caller: caller.arn, keyArn })
      if (delayMs > 0) {
        o.injected.add({ kind: 'latency' })
        await delay(delayMs, undefined, { signal: released }).catch(unlessReleased)
      }
      if (fault === undefined) return
      o.injected.add({ kind: fault.kind })
      throw errorOf(fault, { operation, caller: caller.arn, keyArn: keyArn() }, released)
    },
    replace,
    add: (plan) => state.add(plan),
    clear: () => replace({ throttling: [], faults: [] }),
    describe: () => state.describe(),
  }

  function errorOf(fault: Fault, subject: FaultSubject, released: AbortSignal): Error {
    switch (fault.kind) {
      case 'throttled':
        return new InjectedAnswerError(injectedResponseOf('ThrottlingException', subject))
      case 'error':
        return new InjectedAnswerError(injectedResponseOf(fault.name, subject, fault.message))
      case 'reset':
        return new InjectedSilenceError('reset', AbortSignal.abort())
      case 'hang':
        return new InjectedSilenceError('hang', released)
    }
  }
}

function unlessReleased(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error
}
