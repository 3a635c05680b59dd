import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { suite, test } from 'node:test'
import { choosePorts } from './choose-ports.ts'

const host = '127.0.0.1'

suite('choosePorts()', () => {
  test('keeps what is set and finds different free ports for the rest', async () => {
    const { fixed } = await choosePorts({ fixed: { host, port: 0, variable: 'F' } })
    const free = { host, port: 0, variable: 'X' }
    const ports = await choosePorts({ a: free, b: free, fixed: { host, port: fixed, variable: 'F' }, c: free })
    assert.equal(ports.fixed, fixed)
    assert.equal(new Set(Object.values(ports)).size, 4)
    // Outgoing connections take theirs from above.
    assert.ok(Object.values(ports).every((port) => port >= 20_000 && port < 32_768))
  })

  test('names the variable of a port that is taken, and frees the others', async () => {
    const taken = createServer()
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, host, () => resolve(Number((taken.address() as { port: number }).port)))
    })
    const { other } = await choosePorts({ other: { host, port: 0, variable: 'O' } })
    const wishes = {
      other: { host, port: other, variable: 'O' },
      gateway: { host, port, variable: 'SEALCAST_GATEWAY_PORT' },
    }
    await assert.rejects(choosePorts(wishes), { code: 'UP_PORT_UNAVAILABLE', message: /SEALCAST_GATEWAY_PORT/ })
    await new Promise((resolve) => taken.close(resolve))
    assert.deepEqual(await choosePorts(wishes), { other, gateway: port })
  })

  test('refuses the same port twice', async () => {
    const { port } = await choosePorts({ port: { host, port: 0, variable: 'P' } })
    const wishes = { a: { host, port, variable: 'A' }, b: { host, port, variable: 'B' } }
    await assert.rejects(choosePorts(wishes), { code: 'UP_PORT_UNAVAILABLE', message: /\bB\b/ })
  })

  test('names the variable of a host that is not this machine’s', async () => {
    const wishes = { a: { host: '192.0.2.1', hostVariable: 'A_HOST', port: 0, variable: 'A_PORT' } }
    await assert.rejects(choosePorts(wishes), { code: 'UP_PORT_UNAVAILABLE', message: /EADDRNOTAVAIL\); A_HOST sets/ })
  })
})
