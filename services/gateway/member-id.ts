/**
 * How the threads of a gateway are told apart on the list of members, and from other gateways' threads.
 *
 * Each is a member of its own, since each keeps topics in memory and has to be waited for when one changes.
 */

import { randomBytes } from 'node:crypto'

const PROCESS_DIGITS = 24
const THREAD_DIGITS = 8

/** @returns for the ids of one process's threads: 24 hex digits */
export function createProcessId(): string {
  return randomBytes(PROCESS_DIGITS / 2).toString('hex')
}

/** @returns 32 hex digits */
export function memberIdOf(processId: string, thread: number): string {
  return processId + thread.toString(16).padStart(THREAD_DIGITS, '0')
}

/** How many gateways the members are, their threads counted as one. */
export function countGateways(memberIds: readonly string[]): number {
  return new Set(memberIds.map((id) => id.slice(0, PROCESS_DIGITS))).size
}
