import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { reachableFrom } from './reachable-from.ts'

const BRIDGE = '5: docker0    inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0\\       valid_lft forever\n'

suite('reachableFrom()', () => {
  test('stays on loopback for workers that are no containers, Docker or not', async () => {
    for (const endpointHost of [undefined, '']) {
      assert.deepEqual(await reachableFrom(endpointHost, async () => BRIDGE), {
        host: 'localhost',
        listenOn: '127.0.0.1',
      })
    }
  })

  test("listens on Docker's bridge, and on loopback where there is none", async () => {
    const host = 'host.docker.internal'
    assert.deepEqual(await reachableFrom(host, async () => BRIDGE), { host, listenOn: '172.17.0.1' })
    assert.deepEqual(await reachableFrom(host, async () => ''), { host, listenOn: '127.0.0.1' })
  })
})
