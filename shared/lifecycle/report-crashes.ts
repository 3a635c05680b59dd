/**
 * What a process says when it dies of an error that nobody caught, and that it dies then.
 *
 * Node would print the error with everything that hangs on it, and libraries hang much there: ioredis the
 * command with its arguments, the AWS SDK the response. The log gets name, code, message and the places
 * instead; of a SyntaxError not the message, since a parser's quotes what it could not read.
 */

import { BrokerError } from '#shared/errors'

interface CrashLog {
  error(event: string, fields: Readonly<Record<string, string>>, error: unknown): void
  flush(): void
}

/** More than a call chain of ours is long. */
const MAX_FRAMES = 20

/** To be called once, before anything can go wrong. */
export function reportCrashes(log: CrashLog): void {
  process.on('uncaughtException', (error: unknown, origin) => {
    try {
      log.error('process.crashed', { origin, frames: framesOf(error) }, withoutQuotes(error))
      log.flush()
    } finally {
      process.exit(1)
    }
  })
}

/** @returns the places alone: a stack begins with the message */
function framesOf(error: unknown): string {
  const stack = error instanceof Error ? String(error.stack) : ''
  const frames = stack.split('\n').filter((line) => /^ {4}at .*[:)]\d*/.test(line))
  return frames
    .slice(0, MAX_FRAMES)
    .map((line) => line.trim())
    .join(' < ')
}

function withoutQuotes(error: unknown): unknown {
  if (!(error instanceof SyntaxError) || error instanceof BrokerError) return error
  return Object.assign(new Error('the text of a SyntaxError is not told'), { name: error.name })
}
