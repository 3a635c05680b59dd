/** Names with several and with changing addresses: a resolver that the test answers for, real sockets behind it. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP, type LookupFunction } from 'node:net'
import { networkInterfaces } from 'node:os'
import { suite, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { readSettings } from '#shared/config'
import { readEndpointNetworks } from '#shared/endpoint-guard'
import { parseHttpTarget } from './http-target.ts'
import { createHttpSender } from './https.ts'
import { createSubscriberTrust } from './subscriber-trust.ts'

const REFUSED_NAME = { kind: 'unanswered', code: 'ENDPOINT_ADDRESS_REFUSED' } as const
const REFUSED_ADDRESS = { kind: 'unsendable', code: 'ENDPOINT_ADDRESS_REFUSED' } as const
const OK = { kind: 'answered', statusCode: 200 } as const

suite('createGuardedConnector()', () => {
  test('refuses loopback and private addresses by default, and sends nothing', async () => {
    await using stage = await setup({ allow: 'public', addresses: ['127.0.0.1'] })
    assert.deepEqual(await stage.post('127.0.0.1'), REFUSED_ADDRESS)
    assert.deepEqual(await stage.post('hooks.test'), REFUSED_NAME)
    stage.answer('10.1.2.3', 'fd00::1')
    assert.deepEqual(await stage.post('hooks.test'), REFUSED_NAME)
    assert.equal(stage.connections('127.0.0.1'), 0)
    assert.deepEqual(stage.refused, [
      { host: '127.0.0.1', reason: 'loopback' },
      { host: 'hooks.test', reason: 'loopback' },
      { host: 'hooks.test', reason: 'private' },
    ])
  })

  test('connects to loopback addresses where the setting says so', async () => {
    await using stage = await setup({ allow: 'loopback', addresses: ['127.0.0.1'] })
    assert.deepEqual(await stage.post('127.0.0.1'), OK)
    assert.deepEqual(await stage.post('hooks.test'), OK)
    assert.deepEqual(stage.refused, [])
  })

  test('connects within a network that is named, and not beside it', async () => {
    await using stage = await setup({ allow: '127.0.0.2', addresses: ['127.0.0.2'] })
    assert.deepEqual(await stage.post('127.0.0.2'), OK)
    assert.deepEqual(await stage.post('hooks.test'), OK)
    assert.deepEqual(await stage.post('127.0.0.1'), REFUSED_ADDRESS)
    assert.equal(stage.connections('127.0.0.1'), 0)
  })

  for (const address of ['169.254.169.254', '::ffff:169.254.169.254', 'fe80::1%lo', 'fd00:ec2::254', '0.0.0.0', '::']) {
    test(`refuses a name that leads to ${address}, whatever is allowed`, async () => {
      await using stage = await setup({ allow: 'loopback,private', addresses: [address] })
      assert.deepEqual(await stage.post('hooks.test'), REFUSED_NAME)
    })
  }

  for (const spelling of ['2852039166', '0xA9FEA9FE', '0251.0376.0251.0376', '[::ffff:169.254.169.254]', '0', '[::]']) {
    test(`refuses http://${spelling}/ without asking the resolver`, async () => {
      await using stage = await setup({ allow: 'loopback,private', addresses: ['127.0.0.1'] })
      assert.deepEqual(await stage.post(spelling), REFUSED_ADDRESS)
      assert.equal(stage.lookups(), 0)
    })
  }

  test('refuses a name once it leads elsewhere: each connection is judged by its own look-up', async () => {
    await using stage = await setup({ allow: 'loopback', addresses: ['127.0.0.1'] })
    stage.closeConnections = true
    assert.deepEqual(await stage.post('hooks.test'), OK)
    stage.answer('10.0.0.1')
    assert.deepEqual(await stage.post('hooks.test'), REFUSED_NAME)
    stage.answer('127.0.0.1')
    assert.deepEqual(await stage.post('hooks.test'), OK)
    assert.equal(stage.lookups(), 3)
  })

  test('looks a name up once a connection, so that no second answer can slip in between', async () => {
    await using stage = await setup({ allow: '127.0.0.1', addresses: ['127.0.0.1'] })
    // What a rebinding resolver does: the second of two look-ups would be told the refused address.
    stage.answerNext = () => stage.answer('127.0.0.2')
    assert.deepEqual(await stage.post('hooks.test'), OK)
    assert.equal(stage.lookups(), 1)
    assert.equal(stage.connections('127.0.0.2'), 0)
  })

  test('keeps using an open connection, whose peer cannot change', async () => {
    await using stage = await setup({ allow: '127.0.0.1', addresses: ['127.0.0.1'] })
    assert.deepEqual(await stage.post('hooks.test'), OK)
    stage.answer('127.0.0.2')
    // The status is the answer; the connection is free once the end of the body was read too.
    await setImmediate()
    assert.deepEqual(await stage.post('hooks.test'), OK)
    assert.equal(stage.lookups(), 1)
    assert.equal(stage.connections('127.0.0.1'), 1)
    assert.equal(stage.connections('127.0.0.2'), 0)
  })

  for (const addresses of [
    ['127.0.0.2', '127.0.0.1'],
    ['127.0.0.1', '127.0.0.2'],
    ['169.254.169.254', '::1', '127.0.0.2', '127.0.0.1'],
  ]) {
    test(`tries the allowed ones of ${addresses.join(', ')} alone`, async () => {
      await using stage = await setup({ allow: '127.0.0.1', addresses })
      assert.deepEqual(await stage.post('hooks.test'), OK)
      assert.deepEqual(['127.0.0.1', '127.0.0.2', '::1'].map(stage.connections), [1, 0, 0])
      assert.deepEqual(stage.refused, [])
    })
  }

  test('does not fall back to a refused address when the allowed ones do not answer', async () => {
    // Nobody listens on 127.0.0.3 and 127.0.0.4: two addresses left make the socket try one after the other.
    await using stage = await setup({
      allow: '127.0.0.3,127.0.0.4',
      addresses: ['127.0.0.3', '127.0.0.2', '127.0.0.4', '127.0.0.1', '::1'],
    })
    assert.deepEqual(await stage.post('hooks.test'), { kind: 'unanswered', code: 'ECONNREFUSED' })
    assert.deepEqual(['127.0.0.1', '127.0.0.2', '::1'].map(stage.connections), [0, 0, 0])
  })

  test('tells a name that is not found from one that is refused', async () => {
    await using stage = await setup({ allow: 'loopback', addresses: [] })
    assert.deepEqual(await stage.post('hooks.test'), { kind: 'unanswered', code: 'ENOTFOUND' })
  })

  test('refuses every request that waits for the same connection', async () => {
    await using stage = await setup({ allow: 'public', addresses: ['127.0.0.1'] })
    const results = await Promise.all(Array.from({ length: 300 }, () => stage.post('hooks.test')))
    assert.equal(results.filter((result) => result.kind === 'unanswered').length, 300)
    assert.deepEqual(new Set(results.map((result) => JSON.stringify(result))), new Set([JSON.stringify(REFUSED_NAME)]))
  })

  test('asks once for a name that many connections wait for, and keeps no other name waiting', async () => {
    await using stage = await setup({ allow: '127.0.0.1', addresses: ['127.0.0.1', '127.0.0.2'] })
    const released = stage.hold('slow.test')
    const waiting = Array.from({ length: 50 }, () => stage.post('slow.test'))
    assert.deepEqual(await stage.post('hooks.test'), OK)
    assert.equal(stage.lookups(), 2)
    released()
    for (const result of await Promise.all(waiting)) assert.deepEqual(result, OK)
    assert.equal(stage.lookups(), 2)
    assert.equal(stage.connections('127.0.0.2'), 0)
  })

  test('follows no redirect to another host, and does not even look it up', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      await using stage = await setup({ allow: '127.0.0.1', addresses: ['127.0.0.1'] })
      stage.respond = (_request, response) => {
        const location = `http://127.0.0.2:${stage.port}/latest/meta-data`
        response.writeHead(status, { location, refresh: `0; url=${location}`, 'alt-svc': 'h2="127.0.0.2:443"' }).end()
      }
      assert.deepEqual(await stage.post('hooks.test'), { kind: 'answered', statusCode: status })
      stage.respond = (_request, response) => void response.writeHead(status, { location: 'http://other.test/' }).end()
      assert.deepEqual(await stage.post('hooks.test'), { kind: 'answered', statusCode: status })
      assert.equal(stage.connections('127.0.0.2'), 0)
      assert.deepEqual([...stage.names], ['hooks.test'])
    }
  })

  test('judges the connection of a challenge’s answer too', async () => {
    await using stage = await setup({ allow: 'loopback', addresses: ['127.0.0.1'] })
    stage.closeConnections = true
    stage.respond = (_request, response) => {
      stage.answer('10.0.0.1')
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    }
    assert.deepEqual(await stage.post('user:secret@hooks.test'), REFUSED_NAME)
    assert.equal(stage.lookups(), 2)
  })
})

/**
 * Servers on 127.0.0.1, 127.0.0.2 and, where the machine has it, ::1, all on one port.
 *
 * @param addresses what the resolver answers for any name
 */
async function setup({ allow, addresses }: { allow: string; addresses: readonly string[] }) {
  const refused: { host: string; reason: string }[] = []
  const connections = new Map<string, number>()
  const names = new Set<string>()
  const held = new Map<string, Promise<void>>()
  let current = addresses
  let lookups = 0
  const stage = {
    refused,
    /** Everything the resolver was asked for. */
    names,
    port: 0,
    closeConnections: false,
    respond: (_request: IncomingMessage, response: ServerResponse): void => void response.end(),
    /** Has look-ups of the name wait until the function is called that it returns. */
    hold(name: string) {
      const { promise, resolve } = Promise.withResolvers<void>()
      held.set(name, promise)
      return resolve
    },
    /** Runs after a look-up was answered. */
    answerNext: (): void => undefined,
    answer: (...next: string[]) => {
      current = next
    },
    lookups: () => lookups,
    connections: (address: string) => connections.get(address) ?? 0,
    post(host: string) {
      const target = parseHttpTarget(`http://${host}:${stage.port}/hook`)
      assert.ok(target)
      return sender.post({ target, headers: {}, body: 'x' })
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  }

  const cleanup = new AsyncDisposableStack()
  const hasIpv6 = Object.values(networkInterfaces()).some((one) => one?.some(({ address }) => address === '::1'))
  for (const address of ['127.0.0.1', '127.0.0.2', ...(hasIpv6 ? ['::1'] : [])]) {
    const server = createServer((request, response) => {
      if (stage.closeConnections) response.setHeader('connection', 'close')
      stage.respond(request, response)
    })
    server.on('connection', () => connections.set(address, stage.connections(address) + 1))
    server.listen(stage.port, address)
    await once(server, 'listening')
    stage.port = (server.address() as AddressInfo).port
    cleanup.defer(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    })
  }
  const lookup: LookupFunction = (host, _options, callback) => {
    lookups++
    names.add(host)
    const answer = current.map((address) => ({ address, family: isIP(address) }))
    const notFound = Object.assign(new Error('not found'), { code: 'ENOTFOUND' })
    Promise.resolve(held.get(host)).then(() => {
      callback(answer.length === 0 ? notFound : null, answer)
      stage.answerNext()
    })
  }
  const sender = createHttpSender({
    trust: createSubscriberTrust(undefined),
    timeoutMs: 5_000,
    networks: readSettings({ SEALCAST_ENDPOINT_NETWORKS: allow }, readEndpointNetworks),
    onRefused: (one) => void refused.push(one),
    lookup,
  })
  cleanup.use(sender)
  return stage
}
