/**
 * A Lua script as a function: sent once by text on each connection, then by its hash; a server that
 * forgot it (restart, SCRIPT FLUSH) gets the text again.
 *
 * Replies are Buffers, since fields hold bytes. Declared where it is used, beside its .lua file.
 */

import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'

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
  // A name of its own for each script: the driver keeps scripts by name on the client object.
  const name = `sealcastScript${++defined}`
  return {
    run(redis, keys, args) {
      // The driver puts defined commands on the client under names that its types cannot know.
      const commands = redis as unknown as Record<string, ScriptCall | undefined>
      if (commands[`${name}Buffer`] === undefined) redis.defineCommand(name, { lua })
      const call = commands[`${name}Buffer`]
      if (call === undefined) throw new TypeError(`Redis script ${name} is not defined`)
      return call.call(redis, keys.length, ...keys, ...args)
    },
  }
}

let defined = 0
