/** What is wrong with a Redis that is not ours, for keeping messages: warned about, loudly, at start. */

/** @param info the text of INFO: sections memory and persistence */
export function redisWarnings(info: string): string[] {
  const value = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
  const warnings: string[] = []
  const policy = value('maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction') {
    warnings.push(`maxmemory-policy is ${policy}: Redis may throw away accepted messages. Set it to noeviction`)
  }
  const aof = value('aof_enabled')
  if (aof !== undefined && aof !== '1') {
    warnings.push('the AOF is off: a restart of Redis loses accepted messages. Set appendonly yes')
  }
  if (policy === undefined || aof === undefined) {
    warnings.push('it does not tell its maxmemory-policy and AOF state: see that they are noeviction and on')
  }
  return warnings
}
