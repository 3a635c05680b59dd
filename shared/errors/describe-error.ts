/**
 * Reduces any thrown value to what may be logged: its name, its stable code and its message.
 *
 * Errors of libraries may carry requests, headers or commands as properties (ioredis attaches the
 * command with its arguments: a message body, for example), so nothing else is copied.
 */

import { BrokerError } from './broker-error.ts'

export function describeError(error: unknown): { name: string; code: string; message: string } {
  if (error instanceof BrokerError) return { name: error.name, code: error.code, message: error.message }
  if (error instanceof Error) {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN'
    return { name: error.name, code, message: error.message }
  }
  return { name: 'NonError', code: 'UNKNOWN', message: typeof error }
}
