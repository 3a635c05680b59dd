import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { suite, test } from 'node:test'
import { distinctHeaders } from './distinct-headers.ts'

suite('distinctHeaders()', () => {
  test('gives single values as they are', async () => {
    const headers = await received('Host: a\r\nX-Amz-Date: b\r\n')
    assert.deepEqual({ ...headers }, { host: 'a', 'x-amz-date': 'b' })
  })

  for (const [name, sent, expected] of [
    ['a second host, which Node drops', 'Host: a\r\nhOST: b\r\n', { host: ['a', 'b'] }],
    [
      'a second authorization, which Node drops',
      'Authorization: a\r\nauthorization: b\r\n',
      { authorization: ['a', 'b'] },
    ],
    ['a value sent twice', 'X-Amz-Date: a\r\nx-amz-date: a\r\n', { 'x-amz-date': ['a', 'a'] }],
    ['cookies, which Node joins its own way', 'Cookie: a\r\nCookie: b\r\n', { cookie: ['a', 'b'] }],
    ['two where a third name belongs to objects', 'A: 1\r\nA: 2\r\n__proto__: 3\r\n', { a: ['1', '2'] }],
  ] as const) {
    test(`gives every value of ${name}`, async () => {
      const headers = await received(sent)
      for (const [key, values] of Object.entries(expected)) assert.deepEqual(headers[key], values)
    })
  }
})

/** What a real server hands over for these header lines. */
async function received(lines: string): Promise<ReturnType<typeof distinctHeaders>> {
  const server = createServer({ requireHostHeader: false })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  try {
    socket.write(`GET / HTTP/1.1\r\n${lines}\r\n`)
    const [request] = (await once(server, 'request')) as [IncomingMessage]
    return distinctHeaders(request)
  } finally {
    socket.destroy()
    server.close()
  }
}
