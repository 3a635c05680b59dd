/** Ends a wait when a signal says so, whatever what is waited for does: the SDK does not look at it between attempts. */

import type { BrokerError } from '#shared/errors'

export function beforeAbort<T>(answered: Promise<T>, signal: AbortSignal, reason: () => BrokerError): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(reason())
    signal.addEventListener('abort', onAbort, { once: true })
    answered.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
