/** What the broker has stored, in a form that differs whenever anything was. */

import { redisCli } from './messaging.ts'
import type { Stack } from './start-stack.ts'

/**
 * `entries-added` of a stream counts what was ever appended, also what a worker has settled since. A
 * topic's version changes with every change of the topic or its subscriptions. Leases and the retry
 * schedule's own keys come and go by themselves; the ledger counts what KMS was asked, whatever came of it.
 */
const SCRIPT = `
local state = {}
for _, key in ipairs(redis.call('KEYS', 'sealcast:*')) do
  if not string.find(key, ':lease$') and not string.find(key, ':retry') and not string.find(key, ':kms%-calls:') then
    local detail = ''
    if string.find(key, ':stream$') then
      local info = redis.call('XINFO', 'STREAM', key)
      for at = 1, #info, 2 do
        if info[at] == 'entries-added' then detail = info[at + 1] end
      end
    elseif string.find(key, ':topic$') then
      detail = redis.call('HGET', key, 'version')
    end
    table.insert(state, key .. ' ' .. detail)
  end
end
table.sort(state)
return state
`

export async function readStoredState(stack: Stack): Promise<readonly string[]> {
  return (await redisCli(stack, 'EVAL', SCRIPT, '0')).split('\n')
}
