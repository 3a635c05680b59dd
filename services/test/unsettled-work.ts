/** What of messages is left in Redis, in one look: entries, bodies, references of backlogs, what is held for a key, jobs, quarantine. */

import { setTimeout as sleep } from 'node:timers/promises'
import { closeRedis, openRedis, whenReady } from '#shared/redis'

export interface UnsettledWork extends AsyncDisposable {
  /** Names of keys that hold something. */
  list(): Promise<string[]>
  /** @throws naming what is left after `withinMs` */
  untilNone(withinMs: number): Promise<void>
  /** @throws likewise when what is left never is as it should be */
  until(isSo: (left: readonly string[]) => boolean, withinMs: number): Promise<void>
}

const SCRIPT = `
local left = {}
for _, key in ipairs(redis.call('KEYS', 'sealcast:{p:*')) do
  local kind = redis.call('TYPE', key).ok
  if kind == 'stream' and (string.find(key, ':stream$') or string.find(key, ':backlog:')) then
    if redis.call('XLEN', key) > 0 then table.insert(left, key) end
  elseif string.find(key, ':body:') or string.find(key, ':held') or string.find(key, ':quarantine$') then
    table.insert(left, key)
  elseif string.find(key, ':retry:[%x%-]+$') or string.find(key, ':retry:(%a+)$') then
    local name = string.match(key, ':retry:(.+)$')
    local isIdle = name == 'meta' or name == 'events' or name == 'id' or name == 'marker' or name == 'stalled-check'
    if not isIdle then table.insert(left, key) end
  end
end
return left
`

const POLL_MS = 20

export async function watchUnsettledWork(redisUrl: string): Promise<UnsettledWork> {
  const redis = openRedis({ url: redisUrl, name: 'test' })
  await whenReady(redis)
  const list = async () => (await redis.eval(SCRIPT, 0)) as string[]
  const until = async (isSo: (left: readonly string[]) => boolean, withinMs: number) => {
    const deadline = performance.now() + withinMs
    for (;;) {
      const left = await list()
      if (isSo(left)) return
      if (performance.now() > deadline) throw new Error(`Left in Redis: ${left.join(', ')}`)
      await sleep(POLL_MS)
    }
  }
  return {
    list,
    untilNone: (withinMs) => until((left) => left.length === 0, withinMs),
    until,
    [Symbol.asyncDispose]: () => closeRedis(redis),
  }
}
