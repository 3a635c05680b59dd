/**
 * A Lua script as a function: sent once by text on each connection, then by its hash; a server that
 * forgot it (SCRIPT FLUSH) gets the text again, unless that took so long that what the call was decided by may be over.
 *
 * Encoded here and not by the driver, whose own scripts took 120 µs of processor time for the 91 arguments of a batch of
 * ten, where this takes 70 to 96 (Node 24, 16 in flight, both in turn in one process).
 *
 * Replies are Buffers, since fields hold bytes. Declared where it is used, beside its .lua file.
 */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { encodeArguments, sendEncoded } from './encoded-command.ts'
import { RedisUnavailableError } from './errors.ts'

/** What a script is given: keys first, all of one hash tag, then arguments. */
export type ScriptArgument = string | Buffer | number

export interface RedisScript {
  /**
   * Bulk strings come as Buffers, integers as numbers, nil and false as null. To be called inside `redisCall`.
   *
   * @param onResend called before the text is sent again: what was issued after this call may be carried out before it
   */
  run(redis: Redis, keys: readonly string[], args: readonly ScriptArgument[], onResend?: () => void): Promise<unknown>
}

/**
 * Reads the script at once, so that a missing file shows at start.
 *
 * @param file usually `new URL('./claim.lua', import.meta.url)`
 */
export function defineScript(file: URL): RedisScript {
  return defineScriptText(readFileSync(file, 'utf8'))
}

export function defineScriptText(lua: string): RedisScript {
  const byText = encodeArguments([lua])
  const byHash = encodeArguments([createHash('sha1').update(lua).digest('hex')])
  /** Connections whose server was sent the text: what follows on them finds the script there. */
  const sentOn = new WeakSet<object>()

  const sendText = (redis: Redis, then: readonly (string | Buffer)[]) => {
    if (redis.stream !== undefined) sentOn.add(redis.stream)
    return sendEncoded(redis, 'eval', { first: byText, then })
  }

  return {
    async run(redis, keys, args, onResend) {
      const then = [String(keys.length), ...keys, ...args.map((arg) => (typeof arg === 'number' ? String(arg) : arg))]
      if (redis.stream === undefined || !sentOn.has(redis.stream)) return sendText(redis, then)
      const startedAt = performance.now()
      try {
        return await sendEncoded(redis, 'evalsha', { first: byHash, then })
      } catch (error) {
        if (!isUnknownScript(error)) throw error
        // Refused like this nothing was done. A pause may have fallen between, and then it must not be done any more.
        if (performance.now() - startedAt > RESEND_WITHIN_MS) throw new RedisUnavailableError('it forgot a script')
        onResend?.()
        return sendText(redis, then)
      }
    },
  }
}

/** With the longest wait for a reply this stays below what whoever waits for a write to end reckons with. */
const RESEND_WITHIN_MS = 250

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}
