import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { parseServerState } from './server-state.ts'

const INFO = [
  '# Memory',
  'used_memory:1048576',
  'maxmemory:2097152',
  '# Persistence',
  'aof_enabled:1',
  'rdb_last_bgsave_status:err',
  'aof_last_write_status:ok',
  '# Clients',
  'connected_clients:7',
  '# Replication',
  'slave0:ip=127.0.0.1,port=1,state=online,offset=14,lag=1',
  'slave1:ip=127.0.0.1,port=2,state=wait_bgsave,offset=0,lag=0',
  '# Stats',
  'total_commands_processed:4711',
].join('\r\n')

suite('parseServerState()', () => {
  test('reads what INFO tells', () => {
    assert.deepEqual(parseServerState(INFO, { makesSnapshots: false }), {
      memoryUsedBytes: 1_048_576,
      memoryMaxBytes: 2_097_152,
      aofEnabled: true,
      persistenceOk: true,
      clients: 7,
      replicas: 1,
      commandsProcessed: 4711,
    })
  })

  test('takes persistence for broken by what is in use alone', () => {
    const okWith = (info: string, makesSnapshots: boolean) => parseServerState(info, { makesSnapshots }).persistenceOk
    assert.equal(okWith(INFO, true), false)
    const brokenAof = INFO.replace('aof_last_write_status:ok', 'aof_last_write_status:err')
    assert.equal(okWith(brokenAof, false), false)
    assert.equal(okWith(brokenAof.replace('aof_enabled:1', 'aof_enabled:0'), false), true)
  })

  test('makes finite numbers of any text', () => {
    const line = fc.tuple(fc.constantFrom('used_memory', 'maxmemory', 'connected_clients', 'slave0'), fc.string())
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const info = lines.map(([name, value]) => `${name}:${value}`).join('\r\n')
        for (const value of Object.values(parseServerState(info, { makesSnapshots: true }))) {
          assert.ok(typeof value === 'boolean' || Number.isFinite(value))
        }
      }),
    )
  })
})
