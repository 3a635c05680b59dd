import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { redisWarnings } from './check-redis.ts'

suite('redisWarnings()', () => {
  const info = (policy: string, aof: string) =>
    `# Memory\r\nmaxmemory_policy:${policy}\r\n# Persistence\r\naof_enabled:${aof}\r\n`

  test('has nothing to say of noeviction with an AOF', () => {
    assert.deepEqual(redisWarnings(info('noeviction', '1')), [])
  })

  test('warns of eviction and of a missing AOF, each by itself', () => {
    assert.match(redisWarnings(info('allkeys-lru', '1')).join('|'), /^maxmemory-policy is allkeys-lru[^|]*$/)
    assert.match(redisWarnings(info('noeviction', '0')).join('|'), /^the AOF is off[^|]*$/)
    assert.equal(redisWarnings(info('volatile-ttl', '0')).length, 2)
  })

  test('says so when Redis does not tell', () => {
    assert.equal(redisWarnings('# Server\r\nredis_version:7.0.15\r\n').length, 1)
  })
})
