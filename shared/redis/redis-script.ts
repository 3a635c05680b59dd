/**
 * A Lua script as a function: called by its hash; a server that does not know it (new, restarted, SCRIPT FLUSH) gets
 * the text.
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

/** What a script is given: keys first, all of one hash tag, then arguments. */
export type ScriptArgument = string | Buffer | number

export interface RedisScript {
  /** Bulk strings come as Buffers, integers as numbers, nil and false as null. To be called inside `redisCall`. */
  run(redis: Redis, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown>
}

type ScriptCall = (...args: ScriptArgument[]) => Promise<unknown>

/**
 * Reads the script at once, so that a missing file shows at start.
 *
 * @param file usually `new URL('./claim.lua', import.meta.url)`
 */
export function defineScript(file: URL): RedisScript {
  return defineScriptText(readFileSync(file, 'utf8'))
}

export function defineScriptText(lua: string): RedisScript {
  const first = encodeArguments([createHash('sha1').update(lua).digest('hex')])
  const load = withDriver(lua)
  return {
    async run(redis, keys, args) {
      const then = [String(keys.length), ...keys, ...args.map((arg) => (typeof arg === 'number' ? String(arg) : arg))]
      try {
        return await sendEncoded(redis, 'evalsha', { first, then })
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
        return load(redis, keys, args)
      }
    },
  }
}

/** The driver sends the text where it has not sent it on that connection before. */
function withDriver(lua: string): RedisScript['run'] {
  // A name of its own for each script: the driver keeps scripts by name on the client object.
  const name = `sealcastScript${++defined}`
  return (redis, keys, args) => {
    // The driver puts defined commands on the client under names that its types cannot know.
    const commands = redis as unknown as Record<string, ScriptCall | undefined>
    if (commands[`${name}Buffer`] === undefined) redis.defineCommand(name, { lua })
    const call = commands[`${name}Buffer`]
    if (call === undefined) throw new TypeError(`Redis script ${name} is not defined`)
    return call.call(redis, keys.length, ...keys, ...args)
  }
}

let defined = 0
