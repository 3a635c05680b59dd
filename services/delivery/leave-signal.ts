/**
 * When a partition is given up, attempts under way are waited for, but not for long: whoever takes the
 * partition over delivers what they might have delivered.
 */

import { LEAVE_GRACE_MS } from './limits.ts'

/** @returns aborts a moment after `stopping`, at once with `gone` */
export function leaveSignal(stopping: AbortSignal, gone: AbortSignal): AbortSignal {
  const left = new AbortController()
  const leaveSoon = () => setTimeout(() => left.abort(), LEAVE_GRACE_MS).unref()
  if (stopping.aborted) leaveSoon()
  else stopping.addEventListener('abort', leaveSoon, { once: true })
  return AbortSignal.any([left.signal, gone])
}
